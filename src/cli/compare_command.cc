// ppr compare: is run B better than run A on the same cases, or was it luck?
#include <gflags/gflags.h>

#include "cli/command.h"
#include "cli/gflags_bridge.h"
#include "evaluation/case_comparison.h"

DECLARE_uint64(seed);
DEFINE_string(a, "", "cases.tsv of the run to compare with; or the first argument");
DEFINE_string(b, "", "cases.tsv of the run in question; or the second argument");
DEFINE_int32(bootstrap_samples, 2000, "Bootstrap resamples of users behind the 95 % interval");

namespace ppr::cli {
namespace {

Job Plan(FlagSet& flags) {
  std::string path_a = FLAGS_a, path_b = FLAGS_b;
  const std::vector<std::string>& paths = flags.positional();
  if (paths.size() == 2 && path_a.empty() && path_b.empty()) {
    path_a = paths[0];
    path_b = paths[1];
  } else if (!paths.empty() || path_a.empty() || path_b.empty()) {
    flags.AddProblems(
        {"expected two files, as ppr compare A/cases.tsv B/cases.tsv or with --a and --b; found " +
         std::to_string(paths.size()) + " as arguments, " +
         std::to_string((path_a.empty() ? 0 : 1) + (path_b.empty() ? 0 : 1)) + " as flags"});
  }
  if (FLAGS_bootstrap_samples < 100) {
    flags.AddProblems(
        {"bootstrap_samples: expected at least 100, found " + std::to_string(FLAGS_bootstrap_samples)});
  }
  Job job;
  job.run = [path_a, path_b, seed = FLAGS_seed, samples = FLAGS_bootstrap_samples](dist::Communicator&) {
    return evaluation::CompareCaseFiles(path_a, path_b, seed, samples);
  };
  return job;
}

}  // namespace

Command CompareCommand() {
  return {.name = "compare",
          .summary = "paired comparison of two evaluations, case by case",
          .usage = "A/cases.tsv B/cases.tsv [flags]",
          .topics = {TopicFromGflags("Comparison", {{"a"}, {"b"}, {"seed"}, {"bootstrap_samples"}})},
          .positional = true,
          .plan = Plan};
}

}  // namespace ppr::cli
