// How many threads a rank may use: its share of the cores that it and the ranks beside it are allowed on.
#pragma once

#include "dist/communicator.h"

namespace ppr::cli {

// Collective. Cores in this process's affinity mask, divided by the ranks on this host that have the same
// mask; at least 1.
int FairThreads(dist::Communicator& communicator);

}  // namespace ppr::cli
