// ppr compare: is run B better than run A on the same cases, or was it luck?
#include "cli/command.h"
#include "evaluation/case_comparison.h"

namespace ppr::cli {
namespace {

using evaluation::CaseComparison;

// The two files stand as arguments or as flags.
void TakePaths(settings::FlagSet& flags, CaseComparison* comparison) {
  const std::vector<std::string>& paths = flags.positional();
  if (paths.size() == 2 && comparison->path_a.empty() && comparison->path_b.empty()) {
    comparison->path_a = paths[0];
    comparison->path_b = paths[1];
  } else if (!paths.empty() || comparison->path_a.empty() || comparison->path_b.empty()) {
    const int as_flags = (comparison->path_a.empty() ? 0 : 1) + (comparison->path_b.empty() ? 0 : 1);
    flags.AddProblems(
        {"expected two files, as ppr compare A/cases.tsv B/cases.tsv or with --a and --b; found " +
         std::to_string(paths.size()) + " as arguments, " + std::to_string(as_flags) + " as flags"});
  }
}

Job Plan(settings::FlagSet& flags) {
  CaseComparison comparison;
  const settings::Settings all = settings::SettingsOf(comparison);
  flags.AssignTo(all);
  TakePaths(flags, &comparison);
  flags.AddProblems(all.Problems());
  Job job;
  job.run = [comparison](dist::Communicator&) { return evaluation::CompareCaseFiles(comparison); };
  return job;
}

}  // namespace

Command CompareCommand() {
  CaseComparison comparison;
  return {.name = "compare",
          .summary = "paired comparison of two evaluations, case by case",
          .usage = "A/cases.tsv B/cases.tsv [flags]",
          .topics = settings::TopicsOf(settings::SettingsOf(comparison)),
          .positional = true,
          .plan = Plan};
}

}  // namespace ppr::cli
