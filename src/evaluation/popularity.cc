#include "evaluation/popularity.h"

#include <algorithm>
#include <map>
#include <span>

namespace ppr::evaluation {

namespace {

// How often each item was clicked. Items that were never clicked are not stored, so that one of these per
// position costs no more than the clicks at that position.
class ClickCounts {
 public:
  explicit ClickCounts(std::vector<int32_t> clicked) {
    std::sort(clicked.begin(), clicked.end());
    for (size_t begin = 0; begin < clicked.size();) {
      const size_t end = static_cast<size_t>(
          std::upper_bound(clicked.begin(), clicked.end(), clicked[begin]) - clicked.begin());
      items_.push_back(clicked[begin]);
      clicks_.push_back(static_cast<int64_t>(end - begin));
      begin = end;
    }
    ascending_clicks_ = clicks_;
    std::sort(ascending_clicks_.begin(), ascending_clicks_.end());
  }

  int64_t of(int32_t item) const {
    const auto found = std::lower_bound(items_.begin(), items_.end(), item);
    return found != items_.end() && *found == item ? clicks_[static_cast<size_t>(found - items_.begin())] : 0;
  }

  // How a target with `clicks` clicks compares with all num_items items, itself included.
  RankCounts CompareWithAll(int64_t clicks, int64_t num_items) const {
    const auto [from, to] = std::equal_range(ascending_clicks_.begin(), ascending_clicks_.end(), clicks);
    const int64_t never_clicked = num_items - static_cast<int64_t>(items_.size());
    return {.greater = ascending_clicks_.end() - to,
            .equal = clicks == 0 ? never_clicked : to - from,
            .others = num_items};
  }

 private:
  std::vector<int32_t> items_;             // ascending
  std::vector<int64_t> clicks_;            // of items_
  std::vector<int64_t> ascending_clicks_;  // sorted on their own
};

RankCounts RankInCandidates(const ClickCounts& score, int32_t target, std::span<const int32_t> candidates) {
  const int64_t target_clicks = score.of(target);
  RankCounts counts{.others = static_cast<int64_t>(candidates.size())};
  for (const int32_t item : candidates) {
    const int64_t clicks = score.of(item);
    counts.greater += clicks > target_clicks;
    counts.equal += clicks == target_clicks;
  }
  return counts;
}

RankCounts RankInCatalogue(const ClickCounts& score, int32_t target, std::span<const int32_t> excluded,
                           int64_t num_items) {
  const int64_t target_clicks = score.of(target);
  RankCounts counts = score.CompareWithAll(target_clicks, num_items);
  std::vector<int32_t> removed(excluded.begin(), excluded.end());
  removed.push_back(target);
  std::sort(removed.begin(), removed.end());
  removed.erase(std::unique(removed.begin(), removed.end()), removed.end());
  for (const int32_t item : removed) {
    const int64_t clicks = score.of(item);
    counts.greater -= clicks > target_clicks;
    counts.equal -= clicks == target_clicks;
    counts.others -= 1;
  }
  return counts;
}

// Ranks every case by the counts that `counts_for` gives for its position.
template <typename CountsForPosition>
CaseResults Evaluate(const data::Dataset& dataset, const std::vector<int64_t>& cases, bool full_catalogue,
                     const CountsForPosition& counts_for) {
  CaseResults results;
  results.cases = cases;
  for (const int64_t index : cases) {
    const size_t i = static_cast<size_t>(index);
    const int32_t position = dataset.cases.position[i];
    const std::span<const int32_t> history = dataset.history(dataset.cases.user[i]);
    const int32_t target = history[static_cast<size_t>(position)];
    const ClickCounts& score = counts_for(position);
    results.candidates.push_back(RankInCandidates(score, target, dataset.cases.candidates_of(index)));
    if (full_catalogue) {
      const std::span<const int32_t> earlier = history.first(static_cast<size_t>(position));
      results.catalogue.push_back(RankInCatalogue(score, target, earlier, dataset.num_items()));
    }
  }
  return results;
}

}  // namespace

CaseResults EvaluatePopularity(const data::Dataset& dataset, const std::vector<int64_t>& cases,
                               bool full_catalogue) {
  std::vector<int32_t> clicked;
  for (int64_t user = 0; user < dataset.num_users(); ++user) {
    const std::span<const int32_t> history = dataset.training_history(user);
    clicked.insert(clicked.end(), history.begin(), history.end());
  }
  const ClickCounts counts(std::move(clicked));
  return Evaluate(dataset, cases, full_catalogue, [&](int32_t) -> const ClickCounts& { return counts; });
}

CaseResults EvaluatePositionPopularity(const data::Dataset& dataset, const std::vector<int64_t>& cases,
                                       bool full_catalogue) {
  std::map<int32_t, std::vector<int32_t>> clicked_at;  // only the positions that the cases ask for
  for (const int64_t index : cases) clicked_at[dataset.cases.position[static_cast<size_t>(index)]];
  for (int64_t user = 0; user < dataset.num_users(); ++user) {
    const std::span<const int32_t> history = dataset.training_history(user);
    for (auto& [position, clicked] : clicked_at) {
      if (static_cast<size_t>(position) >= history.size()) break;
      clicked.push_back(history[static_cast<size_t>(position)]);
    }
  }
  std::map<int32_t, ClickCounts> counts_at;
  for (auto& [position, clicked] : clicked_at) counts_at.emplace(position, std::move(clicked));
  return Evaluate(dataset, cases, full_catalogue,
                  [&](int32_t position) -> const ClickCounts& { return counts_at.at(position); });
}

}  // namespace ppr::evaluation
