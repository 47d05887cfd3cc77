// Flags that say how a stage is launched: they change neither what is computed nor the stored config.flags.
#pragma once

#include <cstdint>

#include "model/compute_path.h"
#include "settings/flag_set.h"
#include "train/training_config.h"

namespace ppr::cli {

struct LaunchSettings {
  int32_t local_ranks = 0;  // 0 = not asked for
  int32_t threads = 0;      // per rank; 0 = this rank's share of the cores
  double deadline_seconds = 600;
};

// The topic of launching, of a stage that trains and of one that does not.
void DescribeLaunch(settings::Settings& settings, LaunchSettings& launch, train::TrainingConfig& training);
void DescribeLaunch(settings::Settings& settings, LaunchSettings& launch, model::ComputePath& compute);

// What is wrong with them is added to `flags`. Commands that take no launch flags get the defaults.
LaunchSettings LaunchSettingsFromFlags(settings::FlagSet& flags);

}  // namespace ppr::cli
