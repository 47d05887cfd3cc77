#include "evaluation/metrics.h"

#include <algorithm>
#include <cmath>

#include "base/errors.h"
#include "base/nearest_name.h"

namespace ppr::evaluation {

namespace {

constexpr int kLargestCutoff = kCutoffs.back();

// gain[r] = sum of 1 / log2(place + 1) over places 1..r.
std::array<double, kLargestCutoff + 1> MakeCumulativeGain() {
  std::array<double, kLargestCutoff + 1> gain = {};
  for (int place = 1; place <= kLargestCutoff; ++place) {
    gain[static_cast<size_t>(place)] = gain[static_cast<size_t>(place - 1)] + 1.0 / std::log2(place + 1.0);
  }
  return gain;
}

// The part of the harmonic number's asymptotic series after its logarithm and Euler's constant. From n = 32
// on the first term left out, 1 / (240 n^8), is below 4e-15.
double HarmonicTail(double n) {
  const double inverse_square = 1.0 / (n * n);
  return 0.5 / n - inverse_square * (1.0 / 12 - inverse_square * (1.0 / 120 - inverse_square / 252));
}

// 1 / (first + 1) + ... + 1 / last in constant time: ties can be a whole catalogue. The logarithms are
// subtracted before rounding (log1p), since the two harmonic numbers may agree in all but their last digits.
double HarmonicDifference(int64_t first, int64_t last) {
  constexpr int64_t kDirectTerms = 64, kSeriesFrom = 32;
  double sum = 0;
  const int64_t direct_until =
      last - first <= kDirectTerms ? last : std::min(last, std::max(first, kSeriesFrom));
  for (int64_t place = first + 1; place <= direct_until; ++place) sum += 1.0 / static_cast<double>(place);
  if (direct_until == last) return sum;
  const double from = static_cast<double>(direct_until), to = static_cast<double>(last);
  return sum + std::log1p((to - from) / from) + HarmonicTail(to) - HarmonicTail(from);
}

}  // namespace

CaseMetrics MetricsOf(const RankCounts& counts) {
  PPR_BUG_IF_NOT(counts.greater >= 0 && counts.equal >= 0 && counts.greater + counts.equal <= counts.others,
                 "rank counts: greater " + std::to_string(counts.greater) + ", equal " +
                     std::to_string(counts.equal) + " of " + std::to_string(counts.others) + " others");
  static const std::array<double, kLargestCutoff + 1> kCumulativeGain = MakeCumulativeGain();
  // The target stands on each of the places greater + 1 .. last with the same probability.
  const int64_t last = counts.greater + counts.equal + 1;
  const double places = static_cast<double>(counts.equal + 1);
  CaseMetrics metrics;
  if (counts.others == 0) {
    metrics.auc = 0.5;
  } else {
    const double beaten =
        static_cast<double>(counts.others - counts.greater) - 0.5 * static_cast<double>(counts.equal);
    metrics.auc = beaten / static_cast<double>(counts.others);
  }
  for (size_t c = 0; c < kCutoffs.size(); ++c) {
    const int64_t from = std::min<int64_t>(counts.greater, kCutoffs[c]),
                  to = std::min<int64_t>(last, kCutoffs[c]);
    metrics.hit[c] = static_cast<double>(to - from) / places;
    metrics.ndcg[c] =
        (kCumulativeGain[static_cast<size_t>(to)] - kCumulativeGain[static_cast<size_t>(from)]) / places;
  }
  metrics.reciprocal_rank = HarmonicDifference(counts.greater, last) / places;
  return metrics;
}

MetricMeans MeansOf(const std::vector<RankCounts>& counts) {
  MetricMeans means;
  means.cases = static_cast<int64_t>(counts.size());
  if (counts.empty()) return means;
  for (const RankCounts& one : counts) {
    const CaseMetrics metrics = MetricsOf(one);
    means.mean.auc += metrics.auc;
    means.mean.reciprocal_rank += metrics.reciprocal_rank;
    for (size_t c = 0; c < kCutoffs.size(); ++c) {
      means.mean.hit[c] += metrics.hit[c];
      means.mean.ndcg[c] += metrics.ndcg[c];
    }
  }
  const double cases = static_cast<double>(means.cases);
  means.mean.auc /= cases;
  means.mean.reciprocal_rank /= cases;
  for (size_t c = 0; c < kCutoffs.size(); ++c) {
    means.mean.hit[c] /= cases;
    means.mean.ndcg[c] /= cases;
  }
  return means;
}

std::vector<std::string> MetricNames() {
  std::vector<std::string> names = {"auc"};
  for (const int cutoff : kCutoffs) names.push_back("hit@" + std::to_string(cutoff));
  for (const int cutoff : kCutoffs) names.push_back("ndcg@" + std::to_string(cutoff));
  names.push_back("mrr");
  return names;
}

double NamedMetric(const CaseMetrics& metrics, const std::string& name) {
  if (name == "auc") return metrics.auc;
  if (name == "mrr") return metrics.reciprocal_rank;
  for (size_t c = 0; c < kCutoffs.size(); ++c) {
    if (name == "hit@" + std::to_string(kCutoffs[c])) return metrics.hit[c];
    if (name == "ndcg@" + std::to_string(kCutoffs[c])) return metrics.ndcg[c];
  }
  std::string known;
  for (const std::string& each : MetricNames()) known += (known.empty() ? "" : ", ") + each;
  throw ConfigError("unknown metric '" + name + "'" + DidYouMean(name, MetricNames()) + " (known: " + known +
                    ")");
}

double MetricMeans::Named(const std::string& name) const { return NamedMetric(mean, name); }

}  // namespace ppr::evaluation
