// ppr evaluate: exact ranking metrics of a checkpoint, or of a popularity baseline.
#include "cli/command.h"
#include "cli/launch_flags.h"
#include "stages/stages.h"

namespace ppr::cli {
namespace {

settings::Settings SettingsOf(stages::EvaluateConfig& config, LaunchSettings& launch) {
  settings::Settings all = settings::SettingsOf(config);
  DescribeLaunch(all, launch, config.compute);
  return all;
}

Job Plan(settings::FlagSet& flags) {
  stages::EvaluateConfig config;
  LaunchSettings launch;
  flags.AssignTo(SettingsOf(config, launch));
  flags.AddProblems(config.Problems());
  Job job{.run_folder = config.output, .run = nullptr};
  job.run = [config](dist::Communicator& communicator) {
    return stages::Evaluate(communicator, config).ToText();
  };
  return job;
}

}  // namespace

Command EvaluateCommand() {
  stages::EvaluateConfig config;
  LaunchSettings launch;
  return {.name = "evaluate",
          .summary = "AUC, HIT and NDCG of a checkpoint or of a popularity baseline",
          .usage = "--checkpoint=run_folder --dataset=dataset.h5 [--output=folder] [flags]",
          .topics = settings::TopicsOf(SettingsOf(config, launch)),
          .on_ranks = true,
          .plan = Plan};
}

}  // namespace ppr::cli
