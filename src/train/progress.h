// What a person sees of a run, and what a program reads of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/deadline.h"

namespace ppr::train {

enum class ProgressMode { kAuto, kBar, kPlain, kNone };  // auto: a bar on a terminal, plain lines in a pipe

// One line on stderr: a bar that redraws on a terminal, or one plain line an interval (30 s or 5 %, whichever is later
// to keep batch logs short; always the last). Rank 0 only makes one. Not thread-safe.
class ProgressLine {
 public:
  ProgressLine(ProgressMode mode, std::string stage, int64_t total_steps, double plain_interval_seconds = 30);
  ~ProgressLine();
  // `targets` trained since the last call; shows step, share, loss, targets/s (over the last interval), ETA.
  void Update(int64_t step, int64_t epoch, double loss, int64_t targets);
  // Prints `text` on its own line without tearing the bar.
  void Note(const std::string& text);
  void Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// metrics.jsonl: append-only, one JSON object a line. On resume, lines past the checkpoint's step are cut, so curves never
// fold back. StorageError on failure. Rank 0 only.
class MetricsLog {
 public:
  // Opens (creates) the file and drops lines whose "step" is greater than `resume_step` (-1 = start anew: drops all).
  MetricsLog(std::string path, int64_t resume_step);
  ~MetricsLog();
  // `json_object` is a complete object such as {"step": 3, "loss": 0.5}; written and flushed as one line.
  void Append(const std::string& json_object);

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace ppr::train
