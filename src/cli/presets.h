// Named sets of defaults for pretrain: the base models that people compare with.
#pragma once

#include "cli/flag_set.h"

namespace ppr::cli {

// Applies what --preset names (none, paper, sasrec) to the flags that were not given; an unknown name is a
// problem.
void ApplyPreset(FlagSet& flags);

// Gives the flags that the kind of model in --model decides; those that were given win. After ApplyPreset.
void ApplyModelDefaults(FlagSet& flags);

}  // namespace ppr::cli
