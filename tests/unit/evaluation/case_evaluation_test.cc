// Which cases an evaluation takes, and how ready scores rank: ties, scores that are not numbers, and the
// items that a pair scorer is asked about.
#include "evaluation/case_evaluation.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/errors.h"
#include "evaluation/ranking.h"
#include "support/run_ranks.h"
#include "support/synthetic_dataset.h"

namespace ppr::evaluation {
namespace {

using testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(SelectCases, TakesThePositionsOfTheTaskUpToTheShots) {
  const data::Dataset dataset = test::MakeSyntheticDataset();
  const auto belongs = [](EvaluationTask task, int32_t position) {
    if (task == EvaluationTask::kProfile) return false;
    return task == EvaluationTask::kJoint || (position == 0) == (task == EvaluationTask::kZeroShot);
  };
  for (const auto part : {data::CasePart::kColdDev, data::CasePart::kColdTest}) {
    for (const auto task : {EvaluationTask::kFewShot, EvaluationTask::kZeroShot, EvaluationTask::kJoint,
                            EvaluationTask::kProfile}) {
      for (const int64_t shots : {0, 1, 3, 100}) {
        std::vector<int64_t> expected;
        for (int64_t index = 0; index < dataset.cases.size(); ++index) {
          const auto at = static_cast<size_t>(index);
          const int32_t position = dataset.cases.position[at];
          if (dataset.cases.part[at] == part && belongs(task, position) && (shots == 0 || position <= shots))
            expected.push_back(index);
        }
        EXPECT_EQ(SelectCases(dataset, part, task, shots), expected);
        EXPECT_EQ(expected.empty(), task == EvaluationTask::kProfile);
      }
    }
  }
}

std::vector<RankCounts> Ranked(const at::Tensor& scores) {
  std::vector<RankCounts> counts;
  test::RunRanks(1, [&](dist::Communicator& communicator) {
    const std::vector<int64_t> targets(static_cast<size_t>(scores.size(0)), 1);
    counts = RankScores(communicator, scores, targets);
  });
  return counts;
}

void ExpectCounts(const RankCounts& found, int64_t greater, int64_t equal, int64_t others) {
  EXPECT_EQ(found.greater, greater);
  EXPECT_EQ(found.equal, equal);
  EXPECT_EQ(found.others, others);
}

TEST(RankScores, CountsHigherAndEqualOnes) {
  const std::vector<RankCounts> counts =
      Ranked(at::tensor({2.0F,  3.0F,       2.0F, 1.0F,  2.0F,  //
                         0.0F,  -0.0F,      0.0F, 0.0F,  0.0F,  // +0 ties with -0
                         -1.0F, 4.0F,       5.0F, -0.5F, 6.0F,  //
                         7.0F,  -kInfinity, 6.0F, 6.5F,  kInfinity})
                 .view({4, 5}));
  ASSERT_EQ(counts.size(), 4u);
  ExpectCounts(counts[0], 1, 2, 4);
  ExpectCounts(counts[1], 0, 4, 4);
  ExpectCounts(counts[2], 4, 0, 4);
  ExpectCounts(counts[3], 1, 0, 4);
}

TEST(RankScores, ReadsStridedScoresAndTargetsAlone) {
  // As a model may return them: a view into something else.
  const at::Tensor wide = at::arange(12, at::kFloat).view({2, 6});
  const std::vector<RankCounts> counts = Ranked(wide.slice(1, 0, 6, 2));  // 0 2 4 and 6 8 10
  ExpectCounts(counts[0], 2, 0, 2);
  ExpectCounts(counts[1], 2, 0, 2);
  ExpectCounts(Ranked(at::ones({1, 1}))[0], 0, 0, 0);
  EXPECT_TRUE(Ranked(at::empty({0, 5})).empty());
}

TEST(RankScores, AScoreThatIsNotANumberStopsEveryRankWithItsCase) {
  for (const int64_t column : {0, 2}) {  // the target's, a candidate's
    test::RunRanks(3, [&](dist::Communicator& communicator) {
      const bool bad = communicator.rank() == 1;
      const int64_t cases = communicator.rank();  // rank 0 has none
      at::Tensor scores = at::ones({cases, 3});
      if (bad) scores[0][column] = kNan;
      try {
        RankScores(communicator, scores, std::vector<int64_t>(static_cast<size_t>(cases), 7),
                   [](int64_t i) { return "the case number " + std::to_string(i); });
        ADD_FAILURE() << "rank " << communicator.rank() << " went on";
      } catch (const DoNotRestartError& error) {
        EXPECT_THAT(error.what(), HasSubstr("the case number 0"));
      }
    });
  }
}

TEST(RankScores, RefusesScoresOfAnotherShapeOrType) {
  EXPECT_THROW(Ranked(at::ones({2, 3}, at::kDouble)), BugError);
  EXPECT_THROW(Ranked(at::ones({2, 0})), BugError);
  test::RunRanks(1, [](dist::Communicator& communicator) {
    EXPECT_THROW(RankScores(communicator, at::ones({2, 3}), {1}), BugError);
  });
}

}  // namespace
}  // namespace ppr::evaluation
