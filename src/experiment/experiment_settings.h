// What a person sets of an experiment, as texts, and the experiment that they ask for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "experiment/experiment_config.h"
#include "settings/settings.h"

namespace ppr::experiment {

// Lists are texts here: each has a grammar and problems of its own.
struct ExperimentSettings {
  std::string tables, datasets, models;
  std::string bases = "cl4srec,bert4rec,gru4rec";
  std::string seeds = "1,2,3,4,5";
  bool split_by_seed = false;
  std::string learning_rates = "1e-4,3e-4,1e-3", scratch_learning_rates;
  std::string ks = "1,5,7,10", prompt_lengths = "1,2,4,6,8,10";
  std::string predict_fields;
  std::string pretrain_flags, tune_flags, evaluate_flags;
  std::string launcher, program;
  int64_t parallel_stages = 1;
  bool keep_going = false, dry_run = false;
  std::string output, printed;
};
void Describe(settings::Settings& settings, ExperimentSettings& config);

// The experiment; what cannot be read is added to `problems`. `flags_of` as in ExperimentConfig;
// `this_program`: what runs the stages unless another program is named.
ExperimentConfig ConfigOf(const ExperimentSettings& given, const FlagsOfCommand& flags_of,
                          const std::string& this_program, std::vector<std::string>& problems);

}  // namespace ppr::experiment
