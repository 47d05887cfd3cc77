// Median, smallest and largest.
#include "benchmark/spread.h"

#include <gtest/gtest.h>

namespace ppr::benchmark {
namespace {

void ExpectSpread(const Spread& spread, double median, double min, double max) {
  EXPECT_EQ(spread.median, median);
  EXPECT_EQ(spread.min, min);
  EXPECT_EQ(spread.max, max);
}

TEST(SpreadOf, OddCountsHaveAMiddle) { ExpectSpread(SpreadOf({5, 1, 2}), 2, 1, 5); }

TEST(SpreadOf, EvenCountsTakeTheMeanOfTheMiddleTwo) { ExpectSpread(SpreadOf({8, 1, 2, 5}), 3.5, 1, 8); }

TEST(SpreadOf, OneValueIsAllThree) { ExpectSpread(SpreadOf({3}), 3, 3, 3); }

TEST(SpreadOf, NothingIsZero) { ExpectSpread(SpreadOf({}), 0, 0, 0); }

}  // namespace
}  // namespace ppr::benchmark
