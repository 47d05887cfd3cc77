// Writes the sample checkpoints of steps FIRST..LAST, for the tests that kill it or take its disk away:
//   checkpoint_writer RUN_FOLDER WORLD_SIZE FIRST LAST
// Says "committed N" after each. Ends with the exit code of the error, like ppr.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/errors.h"
#include "checkpoint/checkpoint.h"
#include "support/checkpoint_sample.h"
#include "support/run_ranks.h"

namespace {

constexpr int64_t kItems = 101;

void WriteSteps(const std::string& run, int world_size, int64_t first, int64_t last) {
  for (int64_t step = first; step <= last; ++step) {
    ppr::test::RunRanks(world_size, [&](ppr::dist::Communicator& communicator) {
      ppr::checkpoint::WriteCheckpoint(communicator, run,
                                       ppr::test::SampleContents(communicator, kItems, step), {});
    });
    std::printf("committed %lld\n", static_cast<long long>(step));
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s RUN_FOLDER WORLD_SIZE FIRST LAST\n", argv[0]);
    return static_cast<int>(ppr::ExitCode::kUsage);
  }
  try {
    WriteSteps(argv[1], std::atoi(argv[2]), std::atoll(argv[3]), std::atoll(argv[4]));
    return 0;
  } catch (const ppr::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
}
