// Count, mean and sample standard deviation of a few values.
#pragma once

#include <cstdint>
#include <vector>

namespace ppr::report {

struct Moments {
  int64_t n = 0;
  double mean = 0;
  double sd = 0;  // sqrt(sum (x - mean)^2 / (n - 1)); 0 for one value, which says nothing about spread
};

// Equal values give exactly their value and 0, whatever rounding would do to their sum. Needs a value
// (BugError).
Moments MomentsOf(const std::vector<double>& values);

}  // namespace ppr::report
