#include "report/significance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/errors.h"
#include "report/moments.h"

namespace ppr::report {
namespace {

void ExpectPairs(int64_t pairs) {
  if (pairs < 2) {
    throw DataError("effect size d_z: expected two pairs or more, found " + std::to_string(pairs) +
                    "; compare models on more users");
  }
}

}  // namespace

std::vector<double> HolmAdjusted(const std::vector<double>& p_values) {
  for (size_t i = 0; i < p_values.size(); ++i) {
    if (!(p_values[i] >= 0 && p_values[i] <= 1)) {
      throw DataError("Holm's correction, test " + std::to_string(i + 1) +
                      ": expected a p-value in [0, 1], found " + std::to_string(p_values[i]));
    }
  }
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double largest = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const auto tests_left = static_cast<double>(order.size() - i);
    largest = std::max(largest, std::min(1.0, tests_left * p_values[order[i]]));
    adjusted[order[i]] = largest;
  }
  return adjusted;
}

void CorrectFamily(std::vector<PairedTest>& tests) {
  std::vector<double> p_values;
  for (const PairedTest& test : tests) p_values.push_back(test.p_value);
  const std::vector<double> adjusted = HolmAdjusted(p_values);
  for (size_t i = 0; i < tests.size(); ++i) tests[i].adjusted_p = adjusted[i];
}

double CohensDz(const std::vector<double>& differences) {
  ExpectPairs(static_cast<int64_t>(differences.size()));
  const Moments moments = MomentsOf(differences);
  if (moments.sd > 0) return moments.mean / moments.sd;
  return moments.mean == 0 ? 0 : std::copysign(std::numeric_limits<double>::infinity(), moments.mean);
}

double CohensDzFromT(double t, int64_t pairs) {
  ExpectPairs(pairs);
  return t / std::sqrt(static_cast<double>(pairs));
}

std::string SignificanceStars(double adjusted_p) {
  if (adjusted_p < 0.001) return "***";
  if (adjusted_p < 0.01) return "**";
  return adjusted_p < 0.05 ? "*" : "";
}

}  // namespace ppr::report
