#include "evaluation/paired_comparison.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/errors.h"
#include "base/random.h"

namespace ppr::evaluation {

namespace {

// Continued fraction of the incomplete beta function (DLMF 8.17.22) by the modified Lentz method; converges
// fast for x < (a + 1) / (a + b + 2), in the order of sqrt(max(a, b)) terms.
double BetaContinuedFraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300, kPrecision = 1e-15;
  constexpr int kMaximalTerms = 100'000;
  const auto away_from_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
  double fraction = d;
  for (int m = 1; m <= kMaximalTerms; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    fraction *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    const double factor = d * c;
    fraction *= factor;
    if (std::abs(factor - 1) < kPrecision) return fraction;
  }
  throw BugError("incomplete beta function did not converge at a = " + std::to_string(a) +
                 ", b = " + std::to_string(b) + ", x = " + std::to_string(x));
}

// I_x(a, b); `complement` is 1 - x, given apart because it may be below the rounding of x.
double RegularisedBeta(double a, double b, double x, double complement) {
  if (x <= 0) return 0;
  if (complement <= 0) return 1;
  const double log_front =
      std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log(complement);
  if (x < (a + 1) / (a + b + 2)) return std::exp(log_front) * BetaContinuedFraction(a, b, x) / a;
  return 1 - std::exp(log_front) * BetaContinuedFraction(b, a, complement) / b;
}

struct UserMeans {
  std::vector<double> a, b;  // [users]
};

UserMeans AverageByUser(const std::vector<double>& values_a, const std::vector<double>& values_b,
                        const std::vector<int32_t>& users) {
  std::vector<size_t> order(users.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t x, size_t y) { return users[x] < users[y]; });
  UserMeans means;
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin;
    double sum_a = 0, sum_b = 0;
    for (; end < order.size() && users[order[end]] == users[order[begin]]; ++end) {
      sum_a += values_a[order[end]];
      sum_b += values_b[order[end]];
    }
    means.a.push_back(sum_a / static_cast<double>(end - begin));
    means.b.push_back(sum_b / static_cast<double>(end - begin));
    begin = end;
  }
  return means;
}

double MeanOf(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// The value below which `share` of the sorted values lie, interpolated between neighbours.
double Percentile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - static_cast<double>(below));
}

// Means of `samples` resamples of the differences, ascending. Each depends on (seed, replicate) alone.
std::vector<double> BootstrapMeans(const std::vector<double>& differences, uint64_t seed, int samples) {
  const RandomKey key = MakeRandomKey(seed, RandomSite::kBootstrap);
  const size_t users = differences.size();
  std::vector<double> means(static_cast<size_t>(samples));
  at::parallel_for(0, samples, 16, [&](int64_t begin, int64_t end) {
    for (int64_t replicate = begin; replicate < end; ++replicate) {
      const RandomKey replicate_key = key.With(static_cast<uint64_t>(replicate));
      double sum = 0;
      for (size_t draw = 0; draw < users; ++draw) sum += differences[replicate_key.Below(users, draw)];
      means[static_cast<size_t>(replicate)] = sum / static_cast<double>(users);
    }
  });
  std::sort(means.begin(), means.end());
  return means;
}

// t = mean / (standard deviation / sqrt(n)) of the differences; infinite when they are all the same and not
// 0.
double PairedT(const std::vector<double>& differences, double mean) {
  double squares = 0;
  for (const double difference : differences) squares += (difference - mean) * (difference - mean);
  const double users = static_cast<double>(differences.size());
  const double standard_error = std::sqrt(squares / (users - 1) / users);
  if (standard_error > 0) return mean / standard_error;
  return mean == 0 ? 0 : std::copysign(std::numeric_limits<double>::infinity(), mean);
}

}  // namespace

double StudentTwoSidedP(double t, double degrees) {
  PPR_BUG_IF_NOT(degrees > 0 && !std::isnan(t),
                 "t = " + std::to_string(t) + ", degrees = " + std::to_string(degrees));
  if (std::isinf(t)) return 0;
  const double square = t * t;
  if (std::isinf(square)) return 0;
  return RegularisedBeta(degrees / 2, 0.5, degrees / (degrees + square), square / (degrees + square));
}

PairedComparison ComparePaired(const std::string& metric, const std::vector<double>& values_a,
                               const std::vector<double>& values_b, const std::vector<int32_t>& users,
                               uint64_t seed, int bootstrap_samples) {
  PPR_BUG_IF_NOT(values_a.size() == users.size() && values_b.size() == users.size() && bootstrap_samples >= 1,
                 std::to_string(values_a.size()) + " and " + std::to_string(values_b.size()) + " values of " +
                     std::to_string(users.size()) + " users");
  const UserMeans means = AverageByUser(values_a, values_b, users);
  if (means.a.size() < 2) {
    throw DataError("a paired comparison of " + metric + " needs cases of at least 2 users, found " +
                    std::to_string(means.a.size()));
  }
  std::vector<double> differences(means.a.size());
  for (size_t u = 0; u < differences.size(); ++u) differences[u] = means.b[u] - means.a[u];

  PairedComparison comparison;
  comparison.metric = metric;
  comparison.users = static_cast<int64_t>(differences.size());
  comparison.mean_a = MeanOf(means.a);
  comparison.mean_b = MeanOf(means.b);
  comparison.difference = MeanOf(differences);
  comparison.t = PairedT(differences, comparison.difference);
  comparison.p_value = StudentTwoSidedP(comparison.t, static_cast<double>(comparison.users - 1));
  const std::vector<double> resampled = BootstrapMeans(differences, seed, bootstrap_samples);
  comparison.low = Percentile(resampled, 0.025);
  comparison.high = Percentile(resampled, 0.975);
  return comparison;
}

}  // namespace ppr::evaluation
