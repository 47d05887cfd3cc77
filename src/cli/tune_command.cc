// ppr tune: from a pretrain checkpoint to a model that serves cold users.
#include <gflags/gflags.h>

#include "cli/choice.h"
#include "cli/command.h"
#include "cli/gflags_bridge.h"
#include "cli/launch_flags.h"
#include "cli/training_flags.h"
#include "stages/setting_names.h"
#include "stages/stages.h"

DECLARE_double(dropout);
DEFINE_string(checkpoint, "", "Checkpoint folder, or the run folder whose best checkpoint to take");
DEFINE_string(
    method, "ppr_full",
    "ppr_light (prompt generator and profile model train, the rest is frozen), ppr_full (everything "
    "trains) or fine_tune (no prompt)");
DEFINE_string(task, "few_shot",
              "Which clicks of cold users count: few_shot (all but the first), zero_shot (the first) or "
              "joint (all); or "
              "profile: a profile value of theirs (tune)");
DEFINE_string(predict_field, "", "The profile field that --task=profile predicts; prompts leave it out");
DEFINE_int64(
    shots, 0,
    "k-shot cropping of cold users: only their first k clicks are read, and the one after them is the "
    "last target; 0: all");
DEFINE_string(
    source_dataset, "",
    "The other domain's dataset.h5: what the checkpoint was made from (tune), or whose clicks MiNet "
    "reads as well (pretrain, evaluate)");
DEFINE_string(prompt, "personal",
              "personal: made from the user's profile (across domains, the user's vector there); shared: the "
              "same learned tokens for everybody");
DEFINE_int64(prompt_tokens, 1, "Prefix tokens n that the prompt generator makes; fine_tune makes none");
DEFINE_int64(prompt_hidden_width, 64, "Hidden width of prompt generator and profile model");
DEFINE_bool(shared_tables, false, "Prompt generator and profile model read the same profile tables");
DEFINE_bool(use_profile_model, true, "Add the profile model's vector (Eq. 4) to the user vector");
DEFINE_int64(projector_width, 0, "Two-layer projector of this width before the contrastive loss; 0: none");
DEFINE_string(profile_fields, "", "Profile fields to use, separated by commas; none: all of the dataset");
DEFINE_string(profile_init, "mean_of_items",
              "Profile tables start as the mean row of items that such warm users clicked "
              "(mean_of_items) or at random (normal)");
DEFINE_double(new_learning_rate, 1e-3, "Learning rate of prompt generator and profile model");
DEFINE_double(contrastive_weight, 0.1, "Weight lambda of the contrastive loss (Eq. 7); 0: none");
DEFINE_double(temperature, 1.0, "Temperature tau of the contrastive loss (Eq. 6)");
DEFINE_string(
    views, "both",
    "Augmented views: prompt (masked profile), behaviour (masked clicks) or both (the sum of two losses)");
DEFINE_double(profile_mask_ratio, 0.2, "Share gamma_1 of profile elements that are masked");
DEFINE_double(behaviour_mask_ratio, 0.2, "Share gamma_2 of clicks that are masked");
DEFINE_string(behaviour_augmentation, "delete",
              "A masked click is dropped (delete; never the newest) or its embedding zeroed (zero)");

namespace ppr::cli {
namespace {

std::vector<FlagTopic> Topics() {
  std::vector<FlagTopic> topics = TrainingTopics("0.0001");
  topics.insert(topics.begin() + 1, TopicFromGflags("Method", {{"checkpoint"},
                                                               {"method"},
                                                               {"task"},
                                                               {"predict_field"},
                                                               {"shots"},
                                                               {"source_dataset"},
                                                               {"new_learning_rate"},
                                                               {"dropout", "-1"}}));
  topics.push_back(TopicFromGflags("Prompt and profile", {{"prompt"},
                                                          {"prompt_tokens"},
                                                          {"prompt_hidden_width"},
                                                          {"shared_tables"},
                                                          {"use_profile_model"},
                                                          {"profile_fields"},
                                                          {"profile_init"}}));
  topics.push_back(TopicFromGflags("Contrastive loss", {{"contrastive_weight"},
                                                        {"temperature"},
                                                        {"views"},
                                                        {"projector_width"},
                                                        {"profile_mask_ratio"},
                                                        {"behaviour_mask_ratio"},
                                                        {"behaviour_augmentation"}}));
  topics.push_back(LaunchTopic(/*trains=*/true));
  return topics;
}

// What --prompt offers; across domains tuning turns personal into the user's vector.
const std::vector<std::pair<std::string, model::PromptKind>> kPrompts = {
    {"personal", model::PromptKind::kPersonal}, {"shared", model::PromptKind::kShared}};

model::PromptConfig PromptConfigFromFlags(FlagSet& flags, stages::TuneMethod method) {
  model::PromptConfig config;
  config.kind = Choose(flags, "prompt", kPrompts);
  config.num_tokens = method == stages::TuneMethod::kFineTune ? 0 : FLAGS_prompt_tokens;
  config.hidden_width = FLAGS_prompt_hidden_width;
  config.shared_tables = FLAGS_shared_tables;
  config.use_profile_model = FLAGS_use_profile_model;
  config.projector_width = FLAGS_projector_width;
  return config;
}

train::ContrastiveConfig ContrastiveConfigFromFlags(FlagSet& flags) {
  train::ContrastiveConfig config;
  config.weight = FLAGS_contrastive_weight;
  config.temperature = FLAGS_temperature;
  config.views = Choose(flags, "views", stages::NamesOf<train::ContrastiveViews>());
  config.profile_mask_ratio = FLAGS_profile_mask_ratio;
  config.behaviour_mask_ratio = FLAGS_behaviour_mask_ratio;
  config.behaviour =
      Choose(flags, "behaviour_augmentation", stages::NamesOf<recommender::BehaviourAugmentation>());
  return config;
}

Job Plan(FlagSet& flags) {
  stages::TuneConfig config;
  config.training = TrainingConfigFromFlags(flags);
  config.checkpoint = FLAGS_checkpoint;
  config.method = Choose(flags, "method", stages::NamesOf<stages::TuneMethod>());
  config.task = Choose(flags, "task", stages::NamesOf<evaluation::EvaluationTask>());
  config.predict_field = FLAGS_predict_field;
  config.shots = FLAGS_shots;
  config.source_dataset = FLAGS_source_dataset;
  config.prompt = PromptConfigFromFlags(flags, config.method);
  config.profile_fields = SplitList(FLAGS_profile_fields);
  config.profile_init = Choose(flags, "profile_init", stages::NamesOf<stages::ProfileInit>());
  config.new_learning_rate = {FLAGS_new_learning_rate, config.training.learning_rate.warmup_steps};
  config.dropout = FLAGS_dropout;
  config.contrastive = ContrastiveConfigFromFlags(flags);
  flags.AddProblems(config.Problems());
  Job job{.run_folder = config.training.output, .stops_on_request = true, .run = nullptr};
  job.run = [config, resolved = flags.ResolvedText()](dist::Communicator& communicator) {
    return stages::Tune(communicator, config, resolved).text;
  };
  return job;
}

}  // namespace

Command TuneCommand() {
  return {.name = "tune",
          .summary = "from a pretrain checkpoint to a model that serves cold users",
          .usage = "--checkpoint=pretrain_run --dataset=dataset.h5 --output=run_folder [flags]",
          .topics = Topics(),
          .on_ranks = true,
          .plan = Plan};
}

}  // namespace ppr::cli
