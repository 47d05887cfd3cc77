// The popularity baselines against counting by hand and against the plain double loop.
#include "evaluation/popularity.h"

#include <gtest/gtest.h>

#include <set>

#include "unit/evaluation/ranking_dataset.h"

namespace ppr::evaluation {
namespace {

void ExpectCounts(const RankCounts& found, const RankCounts& expected) {
  EXPECT_EQ(found.greater, expected.greater);
  EXPECT_EQ(found.equal, expected.equal);
  EXPECT_EQ(found.others, expected.others);
}

// Three training histories and one cold user; items 1..6.
data::Dataset HandMade() {
  data::Dataset dataset;
  dataset.offsets = {0, 3, 5, 8, 11};
  dataset.items = {1, 2, 1, /**/ 2, 3, /**/ 1, 2, 6, /**/ 2, 4, 2};
  dataset.train_length = {3, 2, 2, 0};  // the 6 and the cold user's clicks are not seen
  dataset.user_part.assign(4, data::UserPart::kWarm);
  dataset.item_ids.assign(7, "");
  dataset.user_ids = {"a", "b", "c", "d"};
  dataset.cases.num_candidates = 3;
  dataset.cases.part.assign(2, data::CasePart::kColdTest);
  dataset.cases.user = {3, 3};
  dataset.cases.position = {1, 2};
  dataset.cases.candidates = {1, 3, 5, 1, 3, 5};
  return dataset;
}

TEST(Popularity, HandMade) {
  // Clicks: item 1: 3, item 2: 3, item 3: 1, items 4, 5, 6: 0.
  const CaseResults results = EvaluatePopularity(HandMade(), {0, 1}, true);
  ExpectCounts(results.candidates[0], {2, 1, 3});  // target 4 (0) against 1 (3), 3 (1), 5 (0)
  ExpectCounts(results.candidates[1], {0, 1, 3});  // target 2 (3) against 1 (3), 3, 5
  ExpectCounts(results.catalogue[0], {2, 2, 4});  // without 4 and the earlier click 2: above 1, 3; equal 5, 6
  ExpectCounts(results.catalogue[1], {0, 1, 4});  // without 2 (target and earlier) and 4: equal 1
}

TEST(Popularity, HandMadeAtTheSamePosition) {
  // Position 1: item 2 twice, item 3 once. Position 2: item 1 once.
  const CaseResults results = EvaluatePositionPopularity(HandMade(), {0, 1}, true);
  ExpectCounts(results.candidates[0], {1, 2, 3});  // target 4 (0): 3 (1) above; 1, 5 equal
  ExpectCounts(results.candidates[1], {1, 2, 3});  // target 2 (0): 1 (1) above; 3, 5 equal
  ExpectCounts(results.catalogue[0], {1, 3, 4});   // without 4, 2: 3 above; 1, 5, 6 equal
  ExpectCounts(results.catalogue[1], {1, 3, 4});   // without 2, 4: 1 above; 3, 5, 6 equal
}

TEST(Popularity, CatalogueIsOptional) {
  EXPECT_TRUE(EvaluatePopularity(HandMade(), {0, 1}, false).catalogue.empty());
  EXPECT_TRUE(EvaluatePositionPopularity(HandMade(), {0, 1}, false).catalogue.empty());
}

TEST(Popularity, BruteForce) {
  const data::Dataset dataset = test::MakeRankingDataset(60, 30, 5);
  const std::vector<int64_t> cases = SelectCases(dataset, data::CasePart::kColdTest, EvaluationTask::kJoint);
  const CaseResults overall = EvaluatePopularity(dataset, cases, true);
  const CaseResults by_position = EvaluatePositionPopularity(dataset, cases, true);
  ASSERT_GT(cases.size(), 50u);
  for (size_t c = 0; c < cases.size(); ++c) {
    const size_t index = static_cast<size_t>(cases[c]);
    const auto history = dataset.history(dataset.cases.user[index]);
    const size_t position = static_cast<size_t>(dataset.cases.position[index]);
    std::vector<int64_t> clicks(31), clicks_here(31);
    for (int64_t user = 0; user < dataset.num_users(); ++user) {
      const auto training = dataset.training_history(user);
      for (size_t i = 0; i < training.size(); ++i) {
        ++clicks[static_cast<size_t>(training[i])];
        if (i == position) ++clicks_here[static_cast<size_t>(training[i])];
      }
    }
    std::set<int32_t> removed(history.begin(), history.begin() + static_cast<int64_t>(position));
    removed.insert(history[position]);
    for (const auto& [results, score] :
         {std::pair(&overall, &clicks), std::pair(&by_position, &clicks_here)}) {
      const int64_t own = (*score)[static_cast<size_t>(history[position])];
      RankCounts all{}, stored{};
      for (int32_t item = 1; item <= 30; ++item) {
        if (removed.contains(item)) continue;
        all.greater += (*score)[static_cast<size_t>(item)] > own;
        all.equal += (*score)[static_cast<size_t>(item)] == own;
        all.others += 1;
      }
      for (const int32_t item : dataset.cases.candidates_of(cases[c])) {
        stored.greater += (*score)[static_cast<size_t>(item)] > own;
        stored.equal += (*score)[static_cast<size_t>(item)] == own;
        stored.others += 1;
      }
      ExpectCounts(results->catalogue[c], all);
      ExpectCounts(results->candidates[c], stored);
    }
  }
}

TEST(SelectCases, ByPartAndTask) {
  const data::Dataset dataset = test::MakeRankingDataset(40, 30, 5);
  const auto few = SelectCases(dataset, data::CasePart::kColdTest, EvaluationTask::kFewShot);
  const auto zero = SelectCases(dataset, data::CasePart::kColdTest, EvaluationTask::kZeroShot);
  const auto joint = SelectCases(dataset, data::CasePart::kColdTest, EvaluationTask::kJoint);
  EXPECT_EQ(zero.size(), 20u);  // one a cold user
  EXPECT_EQ(few.size() + zero.size(), joint.size());
  EXPECT_TRUE(std::is_sorted(joint.begin(), joint.end()));
  for (const int64_t index : few) EXPECT_GT(dataset.cases.position[static_cast<size_t>(index)], 0);
  for (const int64_t index : zero) EXPECT_EQ(dataset.cases.position[static_cast<size_t>(index)], 0);
  for (const int64_t index : joint) {
    EXPECT_EQ(dataset.cases.part[static_cast<size_t>(index)], data::CasePart::kColdTest);
  }
  EXPECT_TRUE(SelectCases(dataset, data::CasePart::kTest, EvaluationTask::kJoint).empty());
}

}  // namespace
}  // namespace ppr::evaluation
