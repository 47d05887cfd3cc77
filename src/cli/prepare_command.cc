// ppr prepare: raw click logs and profiles in, dataset.h5 out.
#include "cli/command.h"
#include "cli/prepare_settings.h"
#include "data/prepare/prepare.h"

namespace ppr::cli {
namespace {

Job Plan(settings::FlagSet& flags) {
  data::PrepareConfig config;
  settings::Settings all;
  DescribePrepare(all, config);
  flags.AssignTo(all);
  RecordOpenChoices(flags, &config);
  flags.AddProblems(config.Problems());
  Job job;
  job.run = [config](dist::Communicator&) { return data::Prepare(config).ToText(); };
  return job;
}

}  // namespace

Command PrepareCommand() {
  data::PrepareConfig config;
  settings::Settings all;
  DescribePrepare(all, config);
  return {.name = "prepare",
          .summary = "raw click logs and profiles in, dataset.h5 out",
          .usage = "--interactions=clicks.csv [--users=profiles.csv] --output=dataset.h5 [flags]",
          .topics = settings::TopicsOf(all),
          .plan = Plan,
          .adjust = ApplySource};
}

}  // namespace ppr::cli
