#include "cli/launch_flags.h"

#include <gflags/gflags.h>

#include <string>

#include "cli/gflags_bridge.h"

DEFINE_int32(local_ranks, 0,
             "Run this many ranks as threads of one process, for trying things out; 0: the ranks that "
             "mpirun or srun started, or one");
DEFINE_int32(threads, 0,
             "Threads of each rank; 0: the cores this rank may use, shared with the ranks beside it");
DEFINE_double(deadline_seconds, 600,
              "Longest wait for the other ranks in one exchange before the job ends with an error");
DEFINE_string(
    compute, "auto",
    "The encoder's path: auto (fused CPU kernels where they can run it), fused, or reference (plain "
    "libtorch operators); results differ by rounding");
DEFINE_bool(resume, false,
            "Go on from the newest checkpoint in --output; without one, start from the beginning");
DEFINE_string(progress, "auto", "auto (a bar on a terminal, plain lines in a pipe), bar, plain or none");

namespace ppr::cli {

FlagTopic LaunchTopic(bool trains) {
  std::vector<FlagUse> uses = {{"local_ranks"}, {"threads"}, {"compute"}, {"deadline_seconds"}};
  if (trains) uses.insert(uses.begin(), {{"resume"}, {"progress"}});
  return TopicFromGflags("Launch (not stored in config.flags)", uses, /*stored=*/false);
}

LaunchSettings LaunchSettingsFromFlags(FlagSet& flags) {
  if (!flags.takes("local_ranks")) return {};
  const auto at_least = [&](const char* name, double value, double least) {
    if (value >= least) return;
    flags.AddProblems({std::string(name) + ": expected at least " + std::to_string(static_cast<int>(least)) +
                       ", found " + flags.value(name)});
  };
  at_least("local_ranks", FLAGS_local_ranks, 0);
  at_least("threads", FLAGS_threads, 0);
  at_least("deadline_seconds", FLAGS_deadline_seconds, 1);
  return {FLAGS_local_ranks, FLAGS_threads, FLAGS_deadline_seconds};
}

}  // namespace ppr::cli
