// ppr prepare: raw click logs and profiles in, dataset.h5 out.
#include "cli/command.h"
#include "cli/prepare_flags.h"
#include "cli/prepare_layout_flags.h"
#include "data/prepare/prepare.h"

namespace ppr::cli {
namespace {

Job Plan(FlagSet& flags) {
  const data::PrepareConfig config = PrepareConfigFromFlags(flags);
  flags.AddProblems(config.Problems());
  Job job;
  job.run = [config](dist::Communicator&) { return data::Prepare(config).ToText(); };
  return job;
}

}  // namespace

Command PrepareCommand() {
  return {.name = "prepare",
          .summary = "raw click logs and profiles in, dataset.h5 out",
          .usage = "--interactions=clicks.csv [--users=profiles.csv] --output=dataset.h5 [flags]",
          .topics = PrepareTopics(),
          .plan = Plan,
          .adjust = ApplySource};
}

}  // namespace ppr::cli
