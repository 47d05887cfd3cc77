#include "experiment/expansion.h"

#include <algorithm>

#include "base/errors.h"

namespace ppr::experiment {
namespace {

// Adds the stages of one row to a plan.
class RowExpander {
 public:
  RowExpander(const ExperimentConfig& config, const DatasetInput& dataset, const TableRow& row,
              StagePlan& plan)
      : config_(config), dataset_(dataset), row_(row), plan_(plan) {}

  Candidate Train(const LearningRate& rate, bool searched, size_t num_seeds) {
    Candidate candidate{.rate = searched ? rate.ToText() : "", .models = {}};
    for (size_t s = 0; s < num_seeds; ++s) {
      candidate.models.push_back(TrainSeed(rate, candidate.rate, config_.seeds[s]));
    }
    return candidate;
  }

  int64_t Evaluate(int64_t model, uint64_t seed) {
    Stage stage{.kind = StageKind::kEvaluate,
                .flags = Merged(config_.evaluate, row_.recipe.evaluate),
                .inputs = {Data("dataset", dataset_.target(), seed)},
                .label = Label(seed, ""),
                .digest = ""};
    // No table shows ranks in the full catalogue, which cost more than all else; who wants them in
    // metrics.json asks for them. Task profile knows none.
    if (row_.kind != TableKind::kProfile) stage.flags.emplace("full_catalogue", "false");
    if (row_.recipe.reads_source)
      stage.inputs.push_back(Data("source_dataset", dataset_.domains.front(), seed));
    if (model >= 0) stage.inputs.push_back(plan_.OutputOf("checkpoint", model));
    return plan_.Add(std::move(stage));
  }

  // The dataset file as an input; its preparation joins the plan where there is one.
  StageInput Data(const std::string& flag, const Domain& domain, uint64_t seed) {
    if (!domain.prepared()) return {.flag = flag, .value = domain.path, .digest = domain.digest};
    return plan_.OutputOf(flag, Prepare(domain, seed));
  }

 private:
  int64_t Prepare(const Domain& domain, uint64_t seed) {
    Stage stage{.kind = StageKind::kPrepare,
                .flags = domain.prepare,
                .inputs = domain.raw,
                .label = "",
                .digest = ""};
    if (config_.split_by_seed) stage.flags["seed"] = std::to_string(seed);
    const bool is_target = dataset_.crosses_domains() && &domain == &dataset_.target();
    const bool says_whom = std::any_of(stage.inputs.begin(), stage.inputs.end(),
                                       [](const StageInput& input) { return input.flag == "shared_with"; });
    if (is_target && !says_whom) stage.inputs.push_back(Data("shared_with", dataset_.domains.front(), seed));
    stage.label = dataset_.name + (config_.split_by_seed ? ", seed " + std::to_string(seed) : "");
    return plan_.Add(std::move(stage));
  }

  int64_t TrainSeed(const LearningRate& rate, const std::string& rate_text, uint64_t seed) {
    switch (row_.recipe.origin) {
      case Origin::kBaseline:
        return -1;
      case Origin::kScratch:
        return Pretrain(dataset_.target(), {{"learning_rate", rate.fresh}}, seed, Label(seed, rate_text));
      case Origin::kBase:
        return PretrainBase(seed);
      case Origin::kTuned:
        return Tune(rate, rate_text, seed);
    }
    throw BugError("a row of unknown origin");
  }

  int64_t PretrainBase(uint64_t seed) {
    const std::string label =
        dataset_.name + ", base model " + row_.recipe.pretrain.at("model") + ", seed " + std::to_string(seed);
    return Pretrain(dataset_.domains.front(), {}, seed, label);
  }

  int64_t Pretrain(const Domain& domain, const StageFlags& rate, uint64_t seed, const std::string& label) {
    Stage stage{.kind = StageKind::kPretrain,
                .flags = Merged(Merged(config_.pretrain, row_.recipe.pretrain), rate),
                .inputs = {Data("dataset", domain, seed)},
                .label = label,
                .digest = ""};
    if (row_.recipe.reads_source)
      stage.inputs.push_back(Data("source_dataset", dataset_.domains.front(), seed));
    stage.flags["seed"] = std::to_string(seed);
    return plan_.Add(std::move(stage));
  }

  int64_t Tune(const LearningRate& rate, const std::string& rate_text, uint64_t seed) {
    Stage stage{.kind = StageKind::kTune,
                .flags = Merged(config_.tune, row_.recipe.tune),
                .inputs = {Data("dataset", dataset_.target(), seed)},
                .label = Label(seed, rate_text),
                .digest = ""};
    stage.flags["seed"] = std::to_string(seed);
    stage.flags["new_learning_rate"] = rate.fresh;
    if (!row_.recipe.only_new_parts) stage.flags["learning_rate"] = rate.pretrained;
    if (dataset_.crosses_domains())
      stage.inputs.push_back(Data("source_dataset", dataset_.domains.front(), seed));
    stage.inputs.push_back(plan_.OutputOf("checkpoint", PretrainBase(seed)));
    return plan_.Add(std::move(stage));
  }

  std::string Label(uint64_t seed, const std::string& rate) const {
    std::string label = dataset_.name + ", " + row_.model + ", ";
    if (!row_.setting.empty()) label += row_.setting + ", ";
    label += row_.task + ", seed " + std::to_string(seed);
    return rate.empty() ? label : label + ", rate " + rate;
  }

  const ExperimentConfig& config_;
  const DatasetInput& dataset_;
  const TableRow& row_;
  StagePlan& plan_;
};

// Seeds whose preparation of the dataset some table needs: all, the first for counts, or none.
size_t SeedsInUse(const ExperimentConfig& config, const DatasetInput& dataset) {
  size_t seeds = 0;
  for (const std::string& name : config.tables) {
    const TableSpec* const table = FindTable(name);
    if (table == nullptr || dataset.crosses_domains() != table->crosses_domains) continue;
    const bool counts = table->kind == TableKind::kDatasets || table->kind == TableKind::kParameters;
    if (table->kind != TableKind::kDatasets && RowsOf(*table, dataset.name, config.rows).empty()) continue;
    seeds = std::max(seeds, counts ? size_t{1} : config.seeds.size());
  }
  return seeds;
}

// The rates among which a row's is chosen.
std::vector<LearningRate> RatesOf(const ExperimentConfig& config, const TableRow& row) {
  std::vector<LearningRate> rates;
  if (row.recipe.origin == Origin::kScratch) {
    rates = ScratchRates(config);
  } else if (row.recipe.origin == Origin::kTuned) {
    rates = row.recipe.only_new_parts ? FreshOnly(config.learning_rates) : config.learning_rates;
  } else {
    rates = {LearningRate{}};
  }
  if (row.kind == TableKind::kParameters) rates.resize(1);  // every rate trains as many
  return rates;
}

ExpandedRow ExpandRow(const ExperimentConfig& config, const DatasetInput& dataset, size_t place,
                      const TableRow& row, StagePlan& plan) {
  ExpandedRow expanded{.row = row, .dataset = place, .candidates = {}, .evaluations = {}};
  RowExpander expander(config, dataset, row, plan);
  const bool searched = row.recipe.origin == Origin::kScratch || row.recipe.origin == Origin::kTuned;
  const size_t num_seeds = row.kind == TableKind::kParameters ? 1 : config.seeds.size();
  for (const LearningRate& rate : RatesOf(config, row)) {
    expanded.candidates.push_back(expander.Train(rate, searched, num_seeds));
  }
  return expanded;
}

}  // namespace

Expansion ExpandTraining(const ExperimentConfig& config, const std::vector<DatasetInput>& datasets) {
  Expansion expansion;
  for (const DatasetInput& dataset : datasets) {
    std::vector<int64_t>& stages = expansion.datasets.emplace_back();
    const TableRow none;
    RowExpander expander(config, dataset, none, expansion.plan);
    for (size_t s = 0; s < SeedsInUse(config, dataset); ++s)
      stages.push_back(expander.Data("dataset", dataset.target(), config.seeds[s]).stage);
  }
  for (const std::string& name : config.tables) {
    const TableSpec* const table = FindTable(name);
    PPR_BUG_IF_NOT(table != nullptr, "unknown table " + name);
    for (size_t d = 0; d < datasets.size(); ++d) {
      if (datasets[d].crosses_domains() != table->crosses_domains) continue;
      const size_t first = expansion.rows.size();
      for (TableRow& row : RowsOf(*table, datasets[d].name, config.rows)) {
        for (size_t& reference : row.references) reference += first;
        expansion.rows.push_back(ExpandRow(config, datasets[d], d, row, expansion.plan));
      }
    }
  }
  return expansion;
}

void ExpandEvaluation(const ExperimentConfig& config, const std::vector<DatasetInput>& datasets,
                      size_t candidate, size_t row, Expansion& expansion) {
  ExpandedRow& expanded = expansion.rows.at(row);
  if (expanded.row.kind == TableKind::kParameters) return;
  RowExpander expander(config, datasets.at(expanded.dataset), expanded.row, expansion.plan);
  const std::vector<int64_t>& models = expanded.candidates.at(candidate).models;
  expanded.evaluations.clear();
  for (size_t s = 0; s < models.size(); ++s) {
    expanded.evaluations.push_back(expander.Evaluate(models[s], config.seeds[s]));
  }
}

}  // namespace ppr::experiment
