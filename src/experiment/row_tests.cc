// TestsOfTable of row_results.h: paired t-tests over users, of values averaged over a user's cases and over
// seeds.
#include <algorithm>
#include <map>
#include <optional>

#include "evaluation/paired_comparison.h"
#include "experiment/row_results.h"
#include "experiment/stage_outputs.h"
#include "report/results_order.h"

namespace ppr::experiment {
namespace {

using Names = std::vector<std::pair<std::string, std::string>>;

// Metrics that are tested, in the files and in the tables.
const Names& TestedMetrics(TableKind kind) {
  static const Names ranking = {{"ndcg@10", "NDCG@10"}, {"auc", "AUC"}};
  static const Names profile = {{"acc", "ACC"}};
  return kind == TableKind::kProfile ? profile : ranking;
}

// Values per user of evaluations, each file read once.
class UserValuesReader {
 public:
  UserValuesReader(const StagePlan& plan, const StageStore& store) : plan_(plan), store_(store) {}

  // Null when the stage is not complete.
  const UserValues* Find(int64_t evaluation, const std::string& metric, TableKind kind) {
    const Stage& stage = plan_.stage(evaluation);
    if (!store_.IsComplete(stage)) return nullptr;
    auto& of_stage = values_[evaluation];
    if (of_stage.empty()) of_stage = Read(store_.OutputOf(stage), kind);
    return &of_stage.at(metric);
  }

 private:
  static std::map<std::string, UserValues> Read(const std::string& folder, TableKind kind) {
    if (kind == TableKind::kProfile) return {{"acc", ReadCorrectPredictions(folder)}};
    std::vector<std::string> names;
    for (const auto& [name, title] : TestedMetrics(kind)) names.push_back(name);
    return ReadUserMeans(folder, names);
  }

  const StagePlan& plan_;
  const StageStore& store_;
  std::map<int64_t, std::map<std::string, UserValues>> values_;
};

// Means over seeds of the users of both rows, side by side.
struct PairedUsers {
  std::vector<double> ours, theirs;
};

PairedUsers PairUsers(const ExpandedRow& ours, const ExpandedRow& theirs, const std::string& metric,
                      UserValuesReader& reader) {
  struct Sums {
    double ours = 0, theirs = 0, seeds = 0;
  };
  std::map<std::string, Sums> users;
  for (size_t s = 0; s < std::min(ours.evaluations.size(), theirs.evaluations.size()); ++s) {
    const UserValues* const a = reader.Find(ours.evaluations[s], metric, ours.row.kind);
    const UserValues* const b = reader.Find(theirs.evaluations[s], metric, ours.row.kind);
    if (a == nullptr || b == nullptr) continue;
    for (const auto& [user, value] : *a) {
      const auto other = b->find(user);
      if (other == b->end()) continue;
      Sums& sums = users[user];
      sums.ours += value;
      sums.theirs += other->second;
      sums.seeds += 1;
    }
  }
  PairedUsers paired;
  for (const auto& [user, sums] : users) {
    paired.ours.push_back(sums.ours / sums.seeds);
    paired.theirs.push_back(sums.theirs / sums.seeds);
  }
  return paired;
}

std::optional<report::PairedTest> Test(const ExpandedRow& ours, const ExpandedRow& theirs,
                                       const std::string& metric, const std::string& title,
                                       UserValuesReader& reader) {
  const PairedUsers users = PairUsers(ours, theirs, metric, reader);
  if (users.ours.size() < 2) return std::nullopt;
  std::vector<int32_t> numbers(users.ours.size());
  for (size_t u = 0; u < numbers.size(); ++u) numbers[u] = static_cast<int32_t>(u);
  const evaluation::PairedComparison found = evaluation::ComparePaired(
      title, users.theirs, users.ours, numbers, /*seed=*/1, /*bootstrap_samples=*/1);
  const std::string setting = ours.row.setting == theirs.row.setting ? "" : theirs.row.setting;
  return report::PairedTest{.model = ours.row.model,
                            .setting = ours.row.setting,
                            .metric = title,
                            .against = report::RowHead(theirs.row.model, setting),
                            .users = found.users,
                            .difference = found.difference,
                            .effect_size = report::CohensDzFromT(found.t, found.users),
                            .p_value = found.p_value};
}

// The best model in mean NDCG@10 that is none of the paper's, with the same setting.
std::optional<size_t> BestOther(const Expansion& expansion, size_t row,
                                const std::vector<report::ResultRow>& results) {
  const TableRow& ours = expansion.rows[row].row;
  std::optional<size_t> best;
  double best_mean = 0;
  for (size_t other = 0; other < expansion.rows.size(); ++other) {
    const TableRow& theirs = expansion.rows[other].row;
    if (theirs.is_ppr || theirs.table != ours.table || theirs.dataset != ours.dataset ||
        theirs.setting != ours.setting) {
      continue;
    }
    double sum = 0, count = 0;
    for (const report::ResultRow& result : results) {
      const report::ResultKey& key = result.key;
      if (key.table == theirs.table && key.dataset == theirs.dataset && key.model == theirs.model &&
          key.setting == theirs.setting && key.metric == TestedMetrics(theirs.kind).front().second) {
        sum += result.value;
        count += 1;
      }
    }
    if (count == 0 || (best && sum / count <= best_mean)) continue;
    best = other;
    best_mean = sum / count;
  }
  return best;
}

struct TestPlace {
  size_t dataset;  // place in the list of TableTests
  bool marked;
};

}  // namespace

std::vector<TableTests> TestsOfTable(const std::string& table, const Expansion& expansion,
                                     const StageStore& store, const std::vector<report::ResultRow>& rows) {
  std::vector<TableTests> of_datasets;
  std::vector<report::PairedTest> family;
  std::vector<TestPlace> places;
  UserValuesReader reader(expansion.plan, store);
  for (size_t r = 0; r < expansion.rows.size(); ++r) {
    const ExpandedRow& row = expansion.rows[r];
    if (row.row.table != table || row.evaluations.empty() || !row.row.is_ppr) continue;
    if (of_datasets.empty() || of_datasets.back().dataset != row.row.dataset)
      of_datasets.push_back(
          {.table = table, .dataset = row.row.dataset, .tests = {}, .marks = {}, .picked_by = ""});
    std::vector<size_t> references = row.row.references;
    if (references.empty()) {
      if (const std::optional<size_t> best = BestOther(expansion, r, rows)) {
        references = {*best};
        of_datasets.back().picked_by = TestedMetrics(row.row.kind).front().second;
      }
    }
    for (size_t i = 0; i < references.size(); ++i) {
      const ExpandedRow& other = expansion.rows[references[i]];
      for (const auto& [name, title] : TestedMetrics(row.row.kind)) {
        const std::optional<report::PairedTest> test = Test(row, other, name, title, reader);
        if (!test) continue;
        family.push_back(*test);
        places.push_back({of_datasets.size() - 1, !other.row.is_ppr});
      }
    }
  }
  report::CorrectFamily(family);
  for (size_t i = 0; i < family.size(); ++i) {
    TableTests& of_dataset = of_datasets[places[i].dataset];
    of_dataset.tests.push_back(family[i]);
    if (places[i].marked) of_dataset.marks.push_back(family[i]);
  }
  return of_datasets;
}

}  // namespace ppr::experiment
