// Ranks as threads of one process: for tests and for single-process runs. CPU tensors only.
#pragma once

#include <functional>
#include <memory>

#include "dist/communicator.h"

namespace ppr::dist {

// A communicator of one rank: every collective is a copy or nothing.
std::unique_ptr<Communicator> MakeSingleRankCommunicator();

// Runs `body(communicator)` on `world_size` threads, one rank each, and returns when all have ended. The
// first error of any rank wakes the others with CommunicationError and is rethrown here; waits end at the
// deadline in any case.
void RunLocalRanks(int world_size, Communicator::Options options,
                   const std::function<void(Communicator&)>& body);

}  // namespace ppr::dist
