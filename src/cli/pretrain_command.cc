// ppr pretrain: sequence encoder and item table from scratch, on warm users or on all that may be trained on.
#include "cli/command.h"
#include "cli/launch_flags.h"
#include "cli/model_defaults.h"
#include "stages/stages.h"

namespace ppr::cli {
namespace {

settings::Settings SettingsOf(stages::PretrainConfig& config, LaunchSettings& launch) {
  settings::Settings all = settings::SettingsOf(config);
  DescribeLaunch(all, launch, config.training);
  return all;
}

Job Plan(settings::FlagSet& flags) {
  stages::PretrainConfig config;
  LaunchSettings launch;
  flags.AssignTo(SettingsOf(config, launch));
  flags.AddProblems(config.Problems());
  Job job{.run_folder = config.training.output, .stops_on_request = true, .run = nullptr};
  job.run = [config, resolved = flags.ResolvedText()](dist::Communicator& communicator) {
    return stages::Pretrain(communicator, config, resolved).text;
  };
  return job;
}

}  // namespace

Command PretrainCommand() {
  stages::PretrainConfig config;
  LaunchSettings launch;
  return {.name = "pretrain",
          .summary = "train a sequence encoder and the item table from scratch",
          .usage = "--dataset=dataset.h5 --output=run_folder [flags]",
          .topics = settings::TopicsOf(SettingsOf(config, launch)),
          .on_ranks = true,
          .plan = Plan,
          .adjust = ApplyModelDefaults};
}

}  // namespace ppr::cli
