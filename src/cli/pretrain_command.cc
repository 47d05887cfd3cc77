// ppr pretrain: sequence encoder and item table from scratch, on warm users or on all that may be trained on.
#include <gflags/gflags.h>

#include "cli/choice.h"
#include "cli/command.h"
#include "cli/encoder_flags.h"
#include "cli/gflags_bridge.h"
#include "cli/launch_flags.h"
#include "cli/presets.h"
#include "cli/training_flags.h"
#include "stages/setting_names.h"
#include "stages/stages.h"

DECLARE_int64(shots);
DECLARE_string(source_dataset);
DECLARE_string(profile_fields);
DECLARE_int64(prompt_hidden_width);
DEFINE_string(
    model, "sasrec",
    "What is trained: sasrec (next items), cl4srec (and contrastive views), bert4rec (hidden items, "
    "both directions), gru4rec, melu (meta-learned decision layers) or minet (two domains)");
DEFINE_string(train_users, "warm",
              "Whom to train on: warm (what tuning starts from) or all (warm users and the cold users that "
              "tuning trains on: what tuned models are compared with)");
DEFINE_bool(profile_model, false, "Add the profile model's vector (Eq. 4) to the user vector here already");
DEFINE_double(pair_weight, 0.1, "cl4srec: weight of its contrastive loss");
DEFINE_double(pair_temperature, 1.0, "cl4srec: temperature of its contrastive loss");
DEFINE_double(crop_share, 0.6, "cl4srec: share of the clicks that a crop keeps");
DEFINE_double(mask_share, 0.5, "cl4srec: share of the clicks that a mask hides");
DEFINE_double(reorder_share, 0.2, "cl4srec: share of the clicks that a reordering shuffles");
DEFINE_double(hidden_ratio, 0.2, "bert4rec: a click is hidden with this probability");
DEFINE_double(hidden_last_share, 0.1, "bert4rec: share of the sequences in which the newest click alone is");

DEFINE_double(local_rate, 0.3, "melu: learning rate of the steps that adapt a user's decision layers");
DEFINE_int64(local_steps, 1, "melu: steps that adapt a user's decision layers");
DEFINE_int64(support_clicks, 10, "melu: newest known clicks that they are adapted on");
DEFINE_int64(target_clicks, 10, "minet: newest clicks of the dataset that it attends to");
DEFINE_int64(source_clicks, 20, "minet: newest clicks of the other domain that it attends to");

namespace ppr::cli {
namespace {

std::vector<FlagTopic> Topics() {
  std::vector<FlagTopic> topics = TrainingTopics("0.001");
  topics.insert(topics.begin() + 1,
                TopicFromGflags("Model and users",
                                {{"model"}, {"train_users"}, {"task"}, {"shots"}, {"source_dataset"}}));
  topics.push_back(EncoderTopic());
  topics.push_back(
      TopicFromGflags("Profile model", {{"profile_model"}, {"profile_fields"}, {"prompt_hidden_width"}}));
  topics.push_back(TopicFromGflags("CL4SRec and BERT4Rec", {{"pair_weight"},
                                                            {"pair_temperature"},
                                                            {"crop_share"},
                                                            {"mask_share"},
                                                            {"reorder_share"},
                                                            {"hidden_ratio"},
                                                            {"hidden_last_share"}}));
  topics.push_back(TopicFromGflags(
      "MeLU and MiNet",
      {{"local_rate"}, {"local_steps"}, {"support_clicks"}, {"target_clicks"}, {"source_clicks"}}));
  topics.push_back(LaunchTopic(/*trains=*/true));
  return topics;
}

Job Plan(FlagSet& flags) {
  stages::PretrainConfig config;
  config.training = TrainingConfigFromFlags(flags);
  config.model = Choose(flags, "model", stages::NamesOf<stages::ModelKind>());
  config.users = Choose(flags, "train_users", stages::NamesOf<stages::TrainingUsers>());
  config.task = Choose(flags, "task", stages::NamesOf<evaluation::EvaluationTask>());
  config.shots = FLAGS_shots;
  config.source_dataset = FLAGS_source_dataset;
  config.encoder = EncoderConfigFromFlags(flags);
  config.profile_model = FLAGS_profile_model;
  config.profile_fields = SplitList(FLAGS_profile_fields);
  config.profile_hidden_width = FLAGS_prompt_hidden_width;
  config.augmentation = {.weight = FLAGS_pair_weight,
                         .temperature = FLAGS_pair_temperature,
                         .crop = FLAGS_crop_share,
                         .mask = FLAGS_mask_share,
                         .reorder = FLAGS_reorder_share};
  config.masked = {.ratio = FLAGS_hidden_ratio, .last_share = FLAGS_hidden_last_share};
  config.melu = {.local_rate = FLAGS_local_rate,
                 .local_steps = FLAGS_local_steps,
                 .support_clicks = FLAGS_support_clicks};
  config.minet = {.target_clicks = FLAGS_target_clicks, .source_clicks = FLAGS_source_clicks};
  flags.AddProblems(config.Problems());
  Job job{.run_folder = config.training.output, .stops_on_request = true, .run = nullptr};
  job.run = [config, resolved = flags.ResolvedText()](dist::Communicator& communicator) {
    return stages::Pretrain(communicator, config, resolved).text;
  };
  return job;
}

void Adjust(FlagSet& flags) {
  ApplyPreset(flags);
  ApplyModelDefaults(flags);
}

}  // namespace

Command PretrainCommand() {
  return {.name = "pretrain",
          .summary = "train a sequence encoder and the item table from scratch",
          .usage = "--dataset=dataset.h5 --output=run_folder [flags]",
          .topics = Topics(),
          .on_ranks = true,
          .plan = Plan,
          .adjust = Adjust};
}

}  // namespace ppr::cli
