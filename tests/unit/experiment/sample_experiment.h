// Configs and plans of tests.
#pragma once

#include <string>
#include <vector>

#include "experiment/expansion.h"
#include "experiment/experiment_config.h"

namespace ppr::experiment {

// Two seeds, one learning rate, a dataset "Shop" at `dataset`.
inline ExperimentConfig SampleConfig(const std::vector<std::string>& tables,
                                     const std::string& dataset = "shop.h5") {
  ExperimentConfig config;
  config.tables = tables;
  config.datasets = {{"Shop", {dataset}}};
  config.rows.bases = {"cl4srec"};
  config.rows.shots = {"1", "5"};
  config.rows.prompt_lengths = {"1", "4"};
  config.seeds = {1, 2};
  config.learning_rates = {{"1e-4", "1e-3"}};
  config.program = "ppr";
  config.output = "out";
  return config;
}

// A dataset file whose content has the digest "of <path>".
inline DatasetInput SampleDataset(const DatasetSpec& spec) {
  DatasetInput input{.name = spec.name, .domains = {}};
  for (const std::string& path : spec.paths) input.domains.push_back({.path = path, .digest = "of " + path});
  return input;
}

inline std::vector<DatasetInput> SampleDatasets(const ExperimentConfig& config) {
  std::vector<DatasetInput> inputs;
  for (const DatasetSpec& spec : config.datasets) inputs.push_back(SampleDataset(spec));
  return inputs;
}

// "tune method=ppr_full seed=1 | checkpoint=#0 dataset=shop.h5"; #N is the output of stage N.
inline std::string Described(const Stage& stage) {
  std::string text = CommandOf(stage.kind);
  for (const auto& [name, value] : stage.flags) text += " " + name + "=" + value;
  text += " |";
  for (const StageInput& input : stage.inputs) {
    text += " " + input.flag + "=" + (input.stage < 0 ? input.value : "#" + std::to_string(input.stage));
  }
  return text;
}

inline std::vector<std::string> Described(const StagePlan& plan) {
  std::vector<std::string> lines;
  for (const Stage& stage : plan.stages()) lines.push_back(Described(stage));
  return lines;
}

// Training, then every row evaluated at its first learning rate.
inline Expansion ExpandAll(const ExperimentConfig& config, const std::vector<DatasetInput>& datasets) {
  Expansion expansion = ExpandTraining(config, datasets);
  for (size_t row = 0; row < expansion.rows.size(); ++row)
    ExpandEvaluation(config, datasets, 0, row, expansion);
  return expansion;
}

}  // namespace ppr::experiment
