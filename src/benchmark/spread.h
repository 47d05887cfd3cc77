// Median, smallest and largest of the repeats of a measurement.
#pragma once

#include <vector>

namespace ppr::benchmark {

struct Spread {
  double median = 0, min = 0, max = 0;
};

// Of an even number the median is the mean of the middle two; of none, all are 0.
Spread SpreadOf(std::vector<double> values);

}  // namespace ppr::benchmark
