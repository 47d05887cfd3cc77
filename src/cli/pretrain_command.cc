// ppr pretrain: sequence encoder and item table on warm users.
#include "cli/command.h"
#include "cli/encoder_flags.h"
#include "cli/launch_flags.h"
#include "cli/presets.h"
#include "cli/training_flags.h"
#include "train/stages.h"

namespace ppr::cli {
namespace {

std::vector<FlagTopic> Topics() {
  std::vector<FlagTopic> topics = TrainingTopics("0.001");
  topics.push_back(EncoderTopic());
  topics.push_back(LaunchTopic(/*trains=*/true));
  return topics;
}

Job Plan(FlagSet& flags) {
  train::PretrainConfig config;
  config.training = TrainingConfigFromFlags(flags);
  config.encoder = EncoderConfigFromFlags(flags);
  flags.AddProblems(config.Problems());
  Job job{.run_folder = config.training.output, .stops_on_request = true, .run = nullptr};
  job.run = [config, resolved = flags.ResolvedText()](dist::Communicator& communicator) {
    return train::Pretrain(communicator, config, resolved).text;
  };
  return job;
}

}  // namespace

Command PretrainCommand() {
  return {.name = "pretrain",
          .summary = "train the sequence encoder and the item table on warm users",
          .usage = "--dataset=dataset.h5 --output=run_folder [flags]",
          .topics = Topics(),
          .on_ranks = true,
          .plan = Plan,
          .adjust = ApplyPreset};
}

}  // namespace ppr::cli
