// Where a run is between two steps: what a checkpoint stores beside tensors so that a run goes on.
#pragma once

#include <cstdint>
#include <string>

namespace ppr::train {

// Where a run is between two steps, and what early stopping knows.
struct RunProgress {
  int64_t step = 0;         // completed
  int64_t epoch = 0;        // of the next batch
  int64_t batch = 0;        // index in the epoch of the next batch
  double best_metric = -1;  // -1 = none yet
  int64_t best_step = 0;
  int64_t evaluated_step = -1;  // step of the last evaluation
  bool stopped_early = false;   // patience ran out; the limits of a run are looked at anew when it is resumed
};
std::string ProgressJson(const RunProgress& progress);
RunProgress ParseProgress(const std::string& json, const std::string& where);

}  // namespace ppr::train
