// The flags of `ppr prepare`, which `ppr bench --prepare` takes too: the settings of prepare and, among them,
// --source.
#pragma once

#include "data/prepare/prepare.h"
#include "settings/flag_set.h"

namespace ppr::cli {

void DescribePrepare(settings::Settings& settings, data::PrepareConfig& config);
// Applies what --source names to the flags that were not given.
void ApplySource(settings::FlagSet& flags);
// What the source leaves open, and what these flags take of it, for the record of the data set.
void RecordOpenChoices(const settings::FlagSet& flags, data::PrepareConfig* config);

}  // namespace ppr::cli
