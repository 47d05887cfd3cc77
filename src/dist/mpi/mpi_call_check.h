// A check for tests and for hunting bugs (PPR_CHECK_COLLECTIVES=1): before each collective the ranks exchange
// what they are about to call, so that a mismatch is named instead of hanging or corrupting.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "dist/mpi/mpi_posts.h"

namespace ppr::dist {

// The rows that an all-to-all sends to and expects from each peer; empty for other calls.
struct PairwiseRows {
  std::vector<int64_t> sent;      // [W]
  std::vector<int64_t> expected;  // [W]
};

// Exchanges call number `number` with the peers and throws CommunicationError naming the first peer whose
// call differs. `finish` waits for a transfer that is under way.
void CheckCallAgainstPeers(const MpiChannel& channel, const CollectiveCall& call, int64_t number,
                           const PairwiseRows& rows, int tag,
                           const std::function<void(std::shared_ptr<MpiTransfer>)>& finish);

}  // namespace ppr::dist
