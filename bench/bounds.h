// What this machine can do at best on one thread, measured beside each micro-benchmark, and how much of it a
// kernel reaches: the roofline.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>

namespace ppr::bench {

// The limit that a kernel is held against.
enum class Bound {
  kProducts,  // FLOP/s of the fused kernels' own product, operands in cache: two a multiply-add
  kLanes,     // lane operations a second, one for each instruction and lane: half of kProducts
  kCache,     // bytes/s read and written by a copy that stays in the core's own cache
  kMemory,    // bytes/s read and written by a copy that does not fit any cache
};

// Times the loop of a benchmark, wall-clock, and sets the counters `rate` of its work (giga-units a second),
// `bound` in the same unit, and `percent` of it.
class Roofline {
 public:
  // Right before the loop. The bound is measured here and now.
  Roofline(benchmark::State& state, Bound bound);

  // Right after the loop. `work`: units of one iteration, as the bound counts them. Returns the loop's
  // seconds.
  double Report(double work);

 private:
  benchmark::State& state_;
  Bound bound_;
  double limit_;  // units a second
  std::chrono::steady_clock::time_point start_;
};

}  // namespace ppr::bench
