// Ranking metrics of single cases and their means. A tie costs its mean: every metric is the expectation over a random
// order of the tied items, so a constant scorer gets what a random one gets (docs/contracts.md, contract 10).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace ppr::train {

inline constexpr std::array<int, 4> kCutoffs = {5, 10, 20, 50};

// How a case's target compares with the other items it is ranked against.
struct RankCounts {
  int64_t greater = 0;  // others scored higher
  int64_t equal = 0;    // others scored the same
  int64_t others = 0;   // all others
};

struct CaseMetrics {
  double auc = 0;                     // (others scored lower + equal / 2) / others
  std::array<double, 4> hit = {};     // at kCutoffs
  std::array<double, 4> ndcg = {};
  double reciprocal_rank = 0;
};

CaseMetrics MetricsOf(const RankCounts& counts);

// Means over cases.
struct MetricMeans {
  int64_t cases = 0;
  CaseMetrics mean;
  // The value called "auc", "hit@10", "ndcg@10", "mrr" ...; ConfigError with the nearest name for others.
  double Named(const std::string& name) const;
};
MetricMeans MeansOf(const std::vector<RankCounts>& counts);
// All names that Named() knows.
std::vector<std::string> MetricNames();

// Paired comparison of two runs on the same cases, per metric: mean difference (b - a), two-sided paired t-test p-value,
// and a seeded percentile bootstrap interval of the mean difference. Cases of one user are averaged first, so that the
// unit is the user.
struct PairedComparison {
  std::string metric;
  int64_t users = 0;
  double mean_a = 0, mean_b = 0, difference = 0, t = 0, p_value = 1, low = 0, high = 0;  // 95 % interval
};
// values_a, values_b [C] of one metric, users [C]. p_value is 1 when all differences are 0. Needs >= 2 users (DataError).
PairedComparison ComparePaired(const std::string& metric, const std::vector<double>& values_a,
                               const std::vector<double>& values_b, const std::vector<int32_t>& users, uint64_t seed,
                               int bootstrap_samples = 2000);
// Two-sided p-value of Student's t with `degrees` degrees of freedom (regularised incomplete beta function).
double StudentTwoSidedP(double t, double degrees);

}  // namespace ppr::train
