// Timing work that all ranks do together.
#pragma once

#include <cstdint>
#include <functional>

#include "dist/communicator.h"

namespace ppr::benchmark {

// Collective. The sum of the ranks' values.
double SumOverRanks(dist::Communicator& communicator, double value);

// Collective. Seconds from when all ranks are ready until the last has done `work`.
double SecondsOnAllRanks(dist::Communicator& communicator, const std::function<void()>& work);

// Collective. Does `work` with 1, 2, 4, ... units until warmup_seconds are over, three times at least, and
// says how many units take about `seconds`: 1 or more, the same on all ranks.
int64_t WarmUp(dist::Communicator& communicator, double warmup_seconds, double seconds,
               const std::function<void(int64_t units)>& work);

}  // namespace ppr::benchmark
