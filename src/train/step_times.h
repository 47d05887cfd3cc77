// Where the wall-clock time of training steps goes, on one rank.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>

namespace ppr::train {

enum class StepPhase {
  kData,      // packing, negatives, deduplication of ids, where not done during kCompute
  kGather,    // catching rows up and bringing them here
  kCompute,   // forward, loss, backward
  kExchange,  // row gradients to their owners
  kReduce,    // all-reduce of dense gradients, agreement of the ranks
  kTable,     // row sums and the optimisers
  kOther,     // everything outside of the above
};
inline constexpr size_t kStepPhases = 7;

// A stopwatch with one hand a phase. Always on: it costs some 50 ns a change.
class StepTimes {
 public:
  // From now on time counts for `phase`.
  void Enter(StepPhase phase) {
    const auto now = std::chrono::steady_clock::now();
    seconds_[static_cast<size_t>(phase_)] += std::chrono::duration<double>(now - since_).count();
    since_ = now;
    phase_ = phase;
  }
  double seconds(StepPhase phase) const { return seconds_[static_cast<size_t>(phase)]; }
  void Reset() {
    seconds_.fill(0);
    since_ = std::chrono::steady_clock::now();
  }

 private:
  std::array<double, kStepPhases> seconds_{};
  StepPhase phase_ = StepPhase::kOther;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

}  // namespace ppr::train
