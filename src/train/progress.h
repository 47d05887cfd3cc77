// What a person sees of a run while it goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace ppr::train {

// Auto: a bar on a terminal, plain lines in a pipe.
enum class ProgressMode { kAuto, kBar, kPlain, kNone };

// Where a ProgressLine writes and what time it is; tests bring their own.
struct ProgressOutput {
  std::function<void(std::string_view)> write;
  std::function<double()> now_seconds;  // monotonic
  std::function<int()> columns;         // width of the terminal now; 0 = not a terminal

  // Standard error, the steady clock, the terminal's own width.
  static ProgressOutput StandardError();
};

// One line on stderr: a bar that redraws on a terminal (at most 10 times a second), or plain lines that keep
// batch logs short: the first, then one an interval that is also at least 5 % of the steps after the one
// before, and the last. total_steps <= 0 means not known: no share, no ETA, and only the interval counts.
// Rank 0 only makes one. Not thread-safe. Failing writes are ignored: a closed terminal must not end a run.
class ProgressLine {
 public:
  ProgressLine(ProgressMode mode, std::string stage, int64_t total_steps, double plain_interval_seconds = 30);
  ProgressLine(ProgressMode mode, std::string stage, int64_t total_steps, double plain_interval_seconds,
               ProgressOutput output);
  ~ProgressLine();  // leaves the cursor on a fresh line

  // `targets` trained since the last call; shows step, share, epoch, loss, targets/s (of the last quarter of
  // a minute or so) and ETA, pauses for evaluation included.
  void Update(int64_t step, int64_t epoch, double loss, int64_t targets);
  // Prints `text` on its own line without tearing the bar.
  void Note(const std::string& text);
  // Shows the last update, if it is not shown yet.
  void Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "2m10s", "3h05m", "1d02h"; "0s" for less than half a second.
std::string DurationText(double seconds);
// "183k", "4.82M", "950".
std::string RateText(double per_second);

}  // namespace ppr::train
