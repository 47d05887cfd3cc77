// Defaults that depend on other flags: those of a preset, and of a kind of model.
#pragma once

#include "settings/flag_set.h"

namespace ppr::cli {

// Applies --preset and then --model, as far as the command takes them, to flags that were not given.
void ApplyModelDefaults(settings::FlagSet& flags);

}  // namespace ppr::cli
