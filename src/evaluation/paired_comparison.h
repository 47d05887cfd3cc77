// Is run b better than run a on the same cases? A paired t-test and a seeded bootstrap interval of the mean
// difference. Cases of one user are averaged first, so that the unit is the user: clicks of one person are
// not independent.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ppr::evaluation {

struct PairedComparison {
  std::string metric;
  int64_t users = 0;
  // Means over users; difference = b - a with its 95 % percentile bootstrap interval [low, high]; t and its
  // two-sided p-value with users - 1 degrees of freedom.
  double mean_a = 0, mean_b = 0, difference = 0, t = 0, p_value = 1, low = 0, high = 0;
};

// values_a, values_b [C] of one metric, users [C]. p_value is 1 when all differences are 0. Needs >= 2 users
// (DataError).
PairedComparison ComparePaired(const std::string& metric, const std::vector<double>& values_a,
                               const std::vector<double>& values_b, const std::vector<int32_t>& users,
                               uint64_t seed, int bootstrap_samples = 2000);
// Two-sided p-value of Student's t with `degrees` > 0 degrees of freedom (regularised incomplete beta
// function).
double StudentTwoSidedP(double t, double degrees);

}  // namespace ppr::evaluation
