// Ranking metrics of single cases and their means. A tie costs its mean: every metric is the expectation over
// a random order of the tied items, so a constant scorer gets what a random one gets (docs/contracts.md,
// contract 10).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace ppr::evaluation {

inline constexpr std::array<int, 4> kCutoffs = {5, 10, 20, 50};

// How a case's target compares with the other items it is ranked against.
struct RankCounts {
  int64_t greater = 0;  // others scored higher
  int64_t equal = 0;    // others scored the same
  int64_t others = 0;   // all others
};

struct CaseMetrics {
  double auc = 0;                  // (others scored lower + equal / 2) / others; 0.5 when there are no others
  std::array<double, 4> hit = {};  // at kCutoffs
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
// As MetricMeans::Named, for one case.
double NamedMetric(const CaseMetrics& metrics, const std::string& name);

}  // namespace ppr::evaluation
