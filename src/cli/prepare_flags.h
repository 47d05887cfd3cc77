// Flags of `ppr prepare`, which `ppr bench --prepare` takes too.
#pragma once

#include <vector>

#include "cli/flag_set.h"
#include "data/prepare/prepare.h"

namespace ppr::cli {

// Those of prepare_layout_flags.h included; a command that takes them applies --source with ApplySource.
std::vector<FlagTopic> PrepareTopics();
// From FLAGS_*; what cannot be read is added to the problems of `flags`.
data::PrepareConfig PrepareConfigFromFlags(FlagSet& flags);

}  // namespace ppr::cli
