// One experiment at a time works in a folder.
#pragma once

#include <chrono>
#include <string>

#include "base/durable_file.h"

namespace ppr::experiment {

// flock(2) on a file, held for the lifetime of this object. The lock ends with the processes that hold it,
// whatever ended them, so a file that is left over locks nothing. Stages inherit it: after a killed runner
// the folder stays locked until its last stage has ended too.
class FolderLock {
 public:
  // Waits `patience` for a runner that is about to end, then throws ConfigError with its process id.
  explicit FolderLock(const std::string& path, std::chrono::milliseconds patience = std::chrono::seconds(10));

 private:
  FileDescriptor file_;
};

}  // namespace ppr::experiment
