#include "experiment/row_results.h"

#include <array>
#include <utility>

#include "base/errors.h"
#include "data/dataset.h"
#include "experiment/stage_outputs.h"

namespace ppr::experiment {
namespace {

using Names = std::vector<std::pair<std::string, std::string>>;  // in the file, in the tables

const Names& RankingMetrics() {
  static const Names names = {{"auc", "AUC"},         {"hit@5", "HIT@5"},     {"ndcg@5", "NDCG@5"},
                              {"hit@10", "HIT@10"},   {"ndcg@10", "NDCG@10"}, {"hit@20", "HIT@20"},
                              {"ndcg@20", "NDCG@20"}, {"hit@50", "HIT@50"},   {"ndcg@50", "NDCG@50"}};
  return names;
}

const Names& ProfileMetrics() {
  static const Names names = {{"acc", "ACC"}, {"precision", "Precision"}, {"recall", "Recall"}, {"f1", "F1"}};
  return names;
}

}  // namespace

std::vector<std::vector<double>> ResultsReader::ValidationValues(const StagePlan& plan,
                                                                 const ExpandedRow& row) const {
  const bool is_choice = row.candidates.size() > 1;
  std::vector<std::vector<double>> values;
  for (const Candidate& candidate : row.candidates) {
    std::vector<double>& of_rate = values.emplace_back();
    for (const int64_t model : candidate.models) {
      if (model < 0 || !store_.IsComplete(plan.stage(model))) continue;
      const std::string folder = store_.OutputOf(plan.stage(model));
      const std::optional<double> value = ReadTrainingSummary(folder).best_value;
      if (value) of_rate.push_back(*value);
      if (value || !is_choice) continue;
      throw DataError(folder + "/summary.json: expected a validation value to choose the learning rate of " +
                      row.row.model +
                      " by, found none: its dataset has no case to validate on; give one rate " +
                      "in --learning_rates, or a dataset with dev users");
    }
    if (is_choice && of_rate.size() != candidate.models.size()) of_rate.clear();
  }
  return values;
}

std::vector<report::ResultRow> ResultsReader::Metrics(const StagePlan& plan, const ExpandedRow& row) const {
  const bool is_profile = row.row.kind == TableKind::kProfile;
  std::vector<report::ResultRow> rows;
  for (size_t s = 0; s < row.evaluations.size(); ++s) {
    const Stage& stage = plan.stage(row.evaluations[s]);
    if (!store_.IsComplete(stage)) continue;
    const std::map<std::string, double> metrics =
        ReadMetrics(store_.OutputOf(stage), is_profile ? "profile" : "stored_candidates");
    for (const auto& [name, title] : is_profile ? ProfileMetrics() : RankingMetrics()) {
      const auto found = metrics.find(name);
      if (found != metrics.end()) rows.push_back(Row(row, title, config_.seeds[s], found->second));
    }
  }
  return rows;
}

std::vector<report::ResultRow> ResultsReader::Parameters(const StagePlan& plan,
                                                         const ExpandedRow& row) const {
  const int64_t model = row.candidates.front().models.front();
  if (model < 0 || !store_.IsComplete(plan.stage(model))) return {};
  const TrainingSummary summary = ReadTrainingSummary(store_.OutputOf(plan.stage(model)));
  const uint64_t seed = config_.seeds.front();
  // The paper's percentages are those of the prompt generator alone over the pre-trained model.
  const double whole = row.row.recipe.only_new_parts ? 0 : summary.pretrained_parameters;
  const auto share = [&](double parameters) { return 100 * parameters / summary.pretrained_parameters; };
  return {Row(row, "trained parameters", seed, summary.trained_parameters),
          Row(row, "% of the pre-trained", seed, share(summary.trained_parameters)),
          Row(row, "%, generator as the only new part", seed, share(whole + summary.generator_parameters))};
}

std::vector<report::ResultRow> ResultsReader::DatasetCounts(const std::string& dataset,
                                                            const std::string& path) const {
  const data::Dataset found = data::ReadDataset(path);
  std::array<double, 2> users = {}, clicks = {};  // warm, cold
  for (int64_t user = 0; user < found.num_users(); ++user) {
    const bool cold = found.user_part[static_cast<size_t>(user)] != data::UserPart::kWarm;
    users[cold ? 1 : 0] += 1;
    clicks[cold ? 1 : 0] += static_cast<double>(found.history(user).size());
  }
  std::vector<report::ResultRow> rows;
  const auto add = [&](const std::string& metric, double value) {
    const report::ResultKey key{"table2_datasets", dataset, "statistics", "dataset", "", metric};
    rows.push_back({key, config_.seeds.front(), value, printed_.Find(key)});
  };
  add("users", static_cast<double>(found.num_users()));
  add("items", static_cast<double>(found.num_items()));
  add("pre-training instances", clicks[0]);
  add("tuning instances", clicks[1]);
  add("warm users", users[0]);
  add("cold users", users[1]);
  return rows;
}

report::ResultRow ResultsReader::Row(const ExpandedRow& row, const std::string& metric, uint64_t seed,
                                     double value) const {
  const report::ResultKey key{row.row.table, row.row.dataset, row.row.task,
                              row.row.model, row.row.setting, metric};
  return {key, seed, value, printed_.Find(key)};
}

}  // namespace ppr::experiment
