// metrics.jsonl, what a program reads of a run: append-only, one JSON object a line. On resume, lines past
// the checkpoint's step are cut, so that curves never fold back. Rank 0 only; not thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "base/durable_file.h"

namespace ppr::train {

class MetricsLog {
 public:
  // Opens (creates) the file and drops lines whose "step" is greater than `resume_step` (-1 = start anew:
  // drops all). Lines without "step" stay. A last line that was cut off by a crash goes; any other line that
  // is no JSON object is a DataError naming file and line. StorageError when the file system refuses.
  MetricsLog(std::string path, int64_t resume_step);

  // `json_object` is a complete object such as {"step": 3, "loss": 0.5}; handed to the system as one line, so
  // that readers never see half of it and a crash of this process loses none. StorageError on failure.
  void Append(const std::string& json_object);
  // Flushes to the device; before a checkpoint is committed, so that no committed step lacks its lines.
  void Sync();

 private:
  std::string path_;
  FileDescriptor file_;
};

}  // namespace ppr::train
