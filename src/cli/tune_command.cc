// ppr tune: from a pretrain checkpoint to a model that serves cold users.
#include "cli/command.h"
#include "cli/launch_flags.h"
#include "stages/stages.h"

namespace ppr::cli {
namespace {

settings::Settings SettingsOf(stages::TuneConfig& config, LaunchSettings& launch) {
  settings::Settings all = settings::SettingsOf(config);
  DescribeLaunch(all, launch, config.training);
  return all;
}

Job Plan(settings::FlagSet& flags) {
  stages::TuneConfig config;
  LaunchSettings launch;
  flags.AssignTo(SettingsOf(config, launch));
  flags.AddProblems(config.Problems());
  Job job{.run_folder = config.training.output, .stops_on_request = true, .run = nullptr};
  job.run = [config, resolved = flags.ResolvedText()](dist::Communicator& communicator) {
    return stages::Tune(communicator, config, resolved).text;
  };
  return job;
}

}  // namespace

Command TuneCommand() {
  stages::TuneConfig config;
  LaunchSettings launch;
  return {.name = "tune",
          .summary = "from a pretrain checkpoint to a model that serves cold users",
          .usage = "--checkpoint=pretrain_run --dataset=dataset.h5 --output=run_folder [flags]",
          .topics = settings::TopicsOf(SettingsOf(config, launch)),
          .on_ranks = true,
          .plan = Plan};
}

}  // namespace ppr::cli
