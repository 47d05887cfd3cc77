// Flags that say how a stage is launched: they change neither what is computed nor the stored config.flags.
#pragma once

#include "cli/flag_set.h"

namespace ppr::cli {

struct LaunchSettings {
  int local_ranks = 0;  // 0 = not asked for
  int threads = 0;      // per rank; 0 = this rank's share of the cores
  double deadline_seconds = 600;
};

// `trains`: also --resume and --progress.
FlagTopic LaunchTopic(bool trains);
// From FLAGS_*; what is wrong is added to `flags`. Commands that take no launch flags get the defaults.
LaunchSettings LaunchSettingsFromFlags(FlagSet& flags);

}  // namespace ppr::cli
