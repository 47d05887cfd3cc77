#include "report/moments.h"

#include <cmath>

#include "base/errors.h"

namespace ppr::report {

Moments MomentsOf(const std::vector<double>& values) {
  PPR_BUG_IF_NOT(!values.empty(), "the mean of no values");
  const auto n = static_cast<double>(values.size());
  // Sums of distances from the first value: exactly 0 when all are equal.
  double shift = 0, squares = 0;
  for (const double value : values) shift += value - values.front();
  const double mean = values.front() + shift / n;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {.n = static_cast<int64_t>(values.size()),
          .mean = mean,
          .sd = values.size() > 1 ? std::sqrt(squares / (n - 1)) : 0};
}

}  // namespace ppr::report
