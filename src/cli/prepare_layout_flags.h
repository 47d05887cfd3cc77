// The flags of `ppr prepare` about raw files that are no plain tables, and --source, which sets them by name.
#pragma once

#include <vector>

#include "cli/flag_set.h"
#include "data/prepare/prepare.h"

namespace ppr::cli {

std::vector<FlagTopic> PrepareLayoutTopics();
// Sets config->source and config->layout from FLAGS_*; adds what cannot be read to the problems of `flags`.
void ReadPrepareLayout(FlagSet& flags, data::PrepareConfig* config);
// Applies what --source names to the flags that were not given; an unknown name is a problem.
void ApplySource(FlagSet& flags);

}  // namespace ppr::cli
