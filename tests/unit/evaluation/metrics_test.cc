// Metrics against brute force over every order of tied items, and against closed forms.
#include "evaluation/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/errors.h"

namespace ppr::evaluation {
namespace {

// Sums of at most 40320 terms near 1: a few times 1e-16 each.
constexpr double kRounding = 1e-12;

// `ahead` items above all others, then the tied group (the target and `equal` others), then `below` items:
// the mean of each metric over all permutations of the tied group.
CaseMetrics BruteForce(int ahead, int equal, int below) {
  std::vector<int> order(static_cast<size_t>(equal + 1));
  std::iota(order.begin(), order.end(), 0);  // 0 is the target
  CaseMetrics sum;
  double permutations = 0;
  do {
    const int among_tied = static_cast<int>(std::find(order.begin(), order.end(), 0) - order.begin());
    const int rank = ahead + among_tied + 1;
    const int others = ahead + equal + below;
    sum.auc += others == 0 ? 0.5 : static_cast<double>(others - (rank - 1)) / others;
    sum.reciprocal_rank += 1.0 / rank;
    for (size_t c = 0; c < kCutoffs.size(); ++c) {
      sum.hit[c] += rank <= kCutoffs[c] ? 1 : 0;
      sum.ndcg[c] += rank <= kCutoffs[c] ? 1 / std::log2(rank + 1.0) : 0;
    }
    permutations += 1;
  } while (std::next_permutation(order.begin(), order.end()));
  sum.auc /= permutations;
  sum.reciprocal_rank /= permutations;
  for (size_t c = 0; c < kCutoffs.size(); ++c) {
    sum.hit[c] /= permutations;
    sum.ndcg[c] /= permutations;
  }
  return sum;
}

void ExpectSame(const CaseMetrics& found, const CaseMetrics& expected) {
  EXPECT_NEAR(found.auc, expected.auc, kRounding);
  EXPECT_NEAR(found.reciprocal_rank, expected.reciprocal_rank, kRounding);
  for (size_t c = 0; c < kCutoffs.size(); ++c) {
    EXPECT_NEAR(found.hit[c], expected.hit[c], kRounding) << "hit@" << kCutoffs[c];
    EXPECT_NEAR(found.ndcg[c], expected.ndcg[c], kRounding) << "ndcg@" << kCutoffs[c];
  }
}

TEST(Metrics, AreTheMeanOverAllOrdersOfTiedItems) {
  // Every place of the tied group relative to each cutoff: before, across and behind.
  for (const int ahead : {0, 1, 3, 4, 5, 7, 9, 10, 17, 19, 20, 46, 49, 50, 60}) {
    for (int equal = 0; equal <= 6; ++equal) {
      for (const int below : {0, 1, 5}) {
        SCOPED_TRACE(testing::Message() << ahead << " ahead, " << equal << " equal, " << below << " below");
        ExpectSame(MetricsOf({.greater = ahead, .equal = equal, .others = ahead + equal + below}),
                   BruteForce(ahead, equal, below));
      }
    }
  }
}

TEST(Metrics, RandomScorerAgainst99Candidates) {
  // A random scorer's target stands on each of the 100 places alike.
  std::vector<RankCounts> counts;
  for (int64_t greater = 0; greater < 100; ++greater)
    counts.push_back({.greater = greater, .equal = 0, .others = 99});
  const MetricMeans means = MeansOf(counts);
  EXPECT_EQ(means.cases, 100);
  EXPECT_NEAR(means.Named("auc"), 0.5, kRounding);
  EXPECT_NEAR(means.Named("hit@5"), 0.05, kRounding);
  EXPECT_NEAR(means.Named("hit@10"), 0.10, kRounding);
  EXPECT_NEAR(means.Named("hit@50"), 0.50, kRounding);
  EXPECT_NEAR(means.Named("ndcg@10"), 0.0454, 5e-5);                // the value as it is quoted, four digits
  EXPECT_NEAR(means.Named("mrr"), 0.05187377517639621, kRounding);  // H(100) / 100
}

TEST(Metrics, ConstantScorerGetsWhatARandomOneGets) {
  std::vector<RankCounts> random;
  for (int64_t greater = 0; greater < 100; ++greater)
    random.push_back({.greater = greater, .equal = 0, .others = 99});
  const MetricMeans constant = MeansOf({{.greater = 0, .equal = 99, .others = 99}});
  ExpectSame(constant.mean, MeansOf(random).mean);
}

TEST(Metrics, PerfectAndWorstScorer) {
  for (const std::string& name : MetricNames()) {
    EXPECT_EQ(MeansOf({{.greater = 0, .equal = 0, .others = 99}}).Named(name), 1.0) << name;
  }
  const MetricMeans worst = MeansOf({{.greater = 99, .equal = 0, .others = 99}});
  for (const std::string& name : MetricNames()) {
    EXPECT_EQ(worst.Named(name), name == "mrr" ? 0.01 : 0.0) << name;
  }
}

TEST(Metrics, ReciprocalRankOfLargeTies) {
  struct Tie {
    int64_t greater, equal;
  };
  for (const Tie tie : {Tie{0, 63}, Tie{0, 64}, Tie{0, 1'000'000}, Tie{31, 100}, Tie{32, 100}, Tie{33, 70},
                        Tie{1'000'000, 100}, Tie{999'999'999, 65}, Tie{5, 3'000'000}}) {
    long double sum = 0;
    for (int64_t place = tie.greater + tie.equal + 1; place > tie.greater; --place) sum += 1.0L / place;
    const double expected = static_cast<double>(sum / (tie.equal + 1));
    const CaseMetrics metrics =
        MetricsOf({.greater = tie.greater, .equal = tie.equal, .others = tie.greater + tie.equal});
    // The series is exact to 1e-14 relative to terms of the order of the sum.
    EXPECT_NEAR(metrics.reciprocal_rank / expected, 1, 1e-12)
        << tie.greater << " greater, " << tie.equal << " equal";
  }
}

TEST(Metrics, NoCasesAndNoOthers) {
  EXPECT_EQ(MeansOf({}).cases, 0);
  EXPECT_EQ(MeansOf({}).Named("auc"), 0.0);
  const CaseMetrics alone = MetricsOf({.greater = 0, .equal = 0, .others = 0});
  EXPECT_EQ(alone.auc, 0.5);
  EXPECT_EQ(alone.hit[0], 1.0);
}

TEST(Metrics, ImpossibleCountsAreABug) {
  EXPECT_THROW(MetricsOf({.greater = 60, .equal = 40, .others = 99}), BugError);
  EXPECT_THROW(MetricsOf({.greater = -1, .equal = 0, .others = 99}), BugError);
}

TEST(Metrics, NamesAreKnownAndTyposRefused) {
  const MetricMeans means = MeansOf({{.greater = 3, .equal = 0, .others = 99}});
  EXPECT_THAT(MetricNames(), testing::ElementsAre("auc", "hit@5", "hit@10", "hit@20", "hit@50", "ndcg@5",
                                                  "ndcg@10", "ndcg@20", "ndcg@50", "mrr"));
  EXPECT_NEAR(means.Named("ndcg@5"), 1 / std::log2(5.0), kRounding);
  EXPECT_NEAR(means.Named("mrr"), 0.25, kRounding);
  try {
    means.Named("ncdg@10");
    FAIL() << "an unknown metric was accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(),
                testing::AllOf(testing::HasSubstr("ncdg@10"), testing::HasSubstr("did you mean ndcg@10")));
  }
}

}  // namespace
}  // namespace ppr::evaluation
