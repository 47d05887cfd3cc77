// A point in time by which a wait must have ended. Monotonic: clock jumps do not move it.
#pragma once

#include <chrono>

namespace ppr {

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  static Deadline After(std::chrono::milliseconds span) { return Deadline(Clock::now() + span); }
  bool passed() const { return Clock::now() >= when_; }
  Clock::time_point when() const { return when_; }

 private:
  explicit Deadline(Clock::time_point when) : when_(when) {}
  Clock::time_point when_;
};

// Seconds since construction or the last Restart(); monotonic.
class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Deadline::Clock::now() - start_).count(); }
  void Restart() { start_ = Deadline::Clock::now(); }

 private:
  Deadline::Clock::time_point start_ = Deadline::Clock::now();
};

}  // namespace ppr
