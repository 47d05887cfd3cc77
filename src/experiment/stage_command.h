// The command line of a stage.
#pragma once

#include <string>
#include <vector>

#include "experiment/stage_store.h"

namespace ppr::experiment {

struct StageProgram {
  std::vector<std::string> launcher;  // words before the program, for stages that run on ranks
  std::string program;
};

// Training stages are told to go on where they were.
std::vector<std::string> CommandLineOf(const StagePlan& plan, const Stage& stage, const StageStore& store,
                                       const StageProgram& program);
// For a shell: words with other than plain characters in single quotes.
std::string ShellText(const std::vector<std::string>& words);

}  // namespace ppr::experiment
