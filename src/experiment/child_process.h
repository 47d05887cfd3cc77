// A stage as a child process: in a process group of its own, its output in a log, ended with its parent.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace ppr::experiment {

struct ChildResult {
  int exit_code = 0;      // 128 + signal when a signal ended it
  bool was_told = false;  // it was asked to stop before its end was seen
  double seconds = 0;     // from its start
};

// When this process dies, the child gets SIGTERM, at which mpirun ends its ranks.
class ChildProcess {
 public:
  // Starts `words`; output and errors are appended to `log_path`. Throws ConfigError when the program is not
  // found, StorageError when it cannot be started.
  ChildProcess(const std::vector<std::string>& words, const std::string& log_path);
  // Kills a child that still runs, with its process group, and waits for it.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // How it ended, when it has; not to be called again then. Does not block. A child that has not ended ten
  // minutes after AskToStop is killed, with its process group; ranks of mpirun are in groups of their own and
  // end when they lose it.
  std::optional<ChildResult> Poll();
  // Once, as SIGUSR1: mpirun gives that to its ranks, where SIGTERM would kill them. Later calls do nothing.
  void AskToStop();

  std::chrono::steady_clock::duration Age() const { return std::chrono::steady_clock::now() - start_; }

 private:
  std::chrono::steady_clock::time_point start_;
  std::optional<std::chrono::steady_clock::time_point> told_;
  pid_t child_ = -1;  // also its process group; -1: it has ended
};

}  // namespace ppr::experiment
