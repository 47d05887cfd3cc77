// Runs a job on the ranks of this launch (mpirun or srun, threads of this process, or one rank alone), and
// turns whatever goes wrong into one message on stderr and an exit code (base/errors.h).
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/launch_flags.h"

namespace ppr::cli {

struct LaunchRequest {
  std::string command;
  bool on_ranks = false;
  LaunchSettings settings;
  std::vector<std::string> problems;  // found before the launch; a job with problems is refused on all ranks
  std::string resolved_flags;         // must be the same on all ranks
  Job job;
};

// Returns the exit code of this process. Under MPI a rank that fails ends the whole job and does not return.
int Launch(const LaunchRequest& request);

}  // namespace ppr::cli
