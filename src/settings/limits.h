// What a number may be, and how a person is told.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace ppr::settings {

// Values in [least, most], with ends left out where they are open; NaN never. `expected` completes "expected
// ...", and expected_above does for values that are too large, where it is given.
struct Limits {
  std::string expected, expected_above;
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool least_is_open = false, most_is_open = false;

  bool Allow(double value) const {
    const bool above = least_is_open ? value > least : value >= least;
    return above && (most_is_open ? value < most : value <= most);
  }
  const std::string& ExpectedInsteadOf(double value) const {
    return value > most && !expected_above.empty() ? expected_above : expected;
  }
};

// Counts: most 2^31 - 1, so that products of two never overflow 64 bits.
constexpr int64_t kMostCount = (int64_t{1} << 31) - 1;

Limits AtLeast(int64_t least);
Limits Between(int64_t least, int64_t most);
inline Limits Count(int64_t least) { return Between(least, kMostCount); }
Limits Positive(double most = std::numeric_limits<double>::max());     // above 0
Limits NotNegative(double most = std::numeric_limits<double>::max());  // 0 too
Limits ShareBelowOne();                                                // [0, 1)
Limits ShareAboveZero();                                               // (0, 1]
Limits InnerShare();                                                   // (0, 1)
Limits AnyShare();                                                     // [0, 1]

Limits Temperature();  // of a softmax: [0.001, 1000]

}  // namespace ppr::settings
