// One verdict for all ranks: work that may fail on one of them ends alike on every one.
#pragma once

#include <functional>

#include "dist/communicator.h"

namespace ppr::dist {

// Collective. Runs `work` on this rank; it must not communicate. Returns when it succeeded on every rank;
// else every rank throws the error of the lowest rank that failed, of the same type (DataError, StorageError;
// anything else as BugError) and with that rank named.
void AgreeOn(dist::Communicator& communicator, const std::function<void()>& work);

}  // namespace ppr::dist
