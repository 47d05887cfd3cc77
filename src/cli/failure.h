// What a person reads and a batch script gets when a rank has failed.
#pragma once

#include <string>
#include <vector>

#include "base/errors.h"

namespace ppr::cli {

struct Failure {
  ExitCode code = ExitCode::kInternal;
  std::string message;
};

// Describes the exception that is being handled; call inside a catch block.
Failure DescribeCurrentException();

// "ppr pretrain: rank 1, step 12 forward: <message>"; a job of one rank is not told its rank, a phase "start"
// is left out.
std::string FailureLine(const std::string& command, int rank, int world_size, const std::string& phase,
                        const Failure& failure);

// "ppr pretrain: 2 problems, nothing was started:" and one line each.
std::string RefusalText(const std::string& command, const std::vector<std::string>& problems);

// One write, so that the lines of several processes do not mix.
void PrintToStderr(const std::string& text);

}  // namespace ppr::cli
