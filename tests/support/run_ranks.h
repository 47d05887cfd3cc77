// Runs a test body as W ranks on threads of this process. Inside the body use EXPECT_*, never ASSERT_*: a
// rank that returns early leaves its peers waiting.
#pragma once

#include <chrono>
#include <functional>

#include "dist/local/local_communicator.h"

namespace ppr::test {

// Rethrows the first rank's error. A wait that takes longer than `deadline` fails the test instead of hanging
// it.
inline void RunRanks(int world_size, const std::function<void(dist::Communicator&)>& body,
                     std::chrono::milliseconds deadline = std::chrono::seconds(60)) {
  dist::RunLocalRanks(world_size, {.deadline = deadline}, body);
}

}  // namespace ppr::test
