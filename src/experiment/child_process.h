// One stage as a child process: in a process group of its own, its output in a log, ended with its parent.
#pragma once

#include <string>
#include <vector>

namespace ppr::experiment {

struct ChildResult {
  int exit_code = 0;      // 128 + signal when a signal ended it
  bool was_told = false;  // a request to stop was handed on to it
};

// Runs `words` to its end, output and errors appended to `log_path`. A request to stop (base/stop_request.h)
// is handed on once, as SIGUSR1: mpirun gives that to its ranks, where SIGTERM would kill them. A child that
// has not ended ten minutes later is killed, with its process group; ranks of mpirun are in groups of their
// own and end when they lose it. When this process dies, the child gets SIGTERM, at which mpirun ends its
// ranks. Throws ConfigError when the program is not found, StorageError when it cannot be started.
ChildResult RunChild(const std::vector<std::string>& words, const std::string& log_path);

}  // namespace ppr::experiment
