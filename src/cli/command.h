// What every sub-command is: the flags it takes, and a plan that turns their values into work. One file per
// sub-command holds its Command; main.cc lists them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dist/communicator.h"
#include "settings/flag_set.h"

namespace ppr::cli {

// Work that is ready to start: its settings were checked.
struct Job {
  std::string run_folder;  // logs go to run_folder/logs; "" = this job keeps no log
  bool stops_on_request =
      false;  // SIGTERM, SIGUSR1 and SIGUSR2 ask for a checkpoint and an end, instead of killing
  // Collective; ends with an exception when it fails. What it returns is printed by rank 0.
  std::function<std::string(dist::Communicator&)> run;
};

struct Command {
  std::string name;
  std::string summary;  // one line, for `ppr help`
  std::string usage;    // what follows "ppr <name>"
  std::vector<settings::FlagTopic> topics;
  bool on_ranks = false;    // may run as several ranks
  bool positional = false;  // takes arguments that are not flags
  // Gives the flags to its settings, adds what is wrong with them to `flags`, and returns the job (not to be
  // run when there are problems).
  std::function<Job(settings::FlagSet& flags)> plan;
  // Optional: changes defaults by other flags (presets) before the plan sees them.
  std::function<void(settings::FlagSet& flags)> adjust;
};

Command PrepareCommand();
Command PretrainCommand();
Command TuneCommand();
Command EvaluateCommand();
Command CompareCommand();
Command ExperimentCommand();
Command BenchCommand();

}  // namespace ppr::cli
