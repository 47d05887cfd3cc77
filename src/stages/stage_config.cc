#include "stages/stage_config.h"

#include <algorithm>

#include "base/findings.h"
#include "base/nearest_name.h"
#include "base/text_format.h"
#include "settings/shared_settings.h"

namespace ppr::stages {
namespace {

using evaluation::EvaluationTask;
using settings::NameOf;
using settings::Settings;

const settings::Limits kTuneDropout{.expected = "-1 (as pre-trained) or a share in [0, 0.9999)",
                                    .least = -1,
                                    .most = 0.9999,
                                    .most_is_open = true};

void AddCheckpoint(Settings& settings, std::string* path, bool required) {
  settings.Add(path, {.flag = "checkpoint",
                      .help = "Checkpoint folder, or the run folder whose best checkpoint to take",
                      .stored = false,
                      .required = required ? "a path" : ""});
}

void AddTask(Settings& settings, EvaluationTask* task) {
  settings.Add(
      task,
      {.flag = "task",
       .help = "Which clicks of cold users count: few_shot (all but the first), zero_shot (the first) or "
               "joint (all); or profile: a profile value of theirs (tune)"});
}

void AddShots(Settings& settings, int64_t* shots, bool newer) {
  settings.Add(
      shots, {.flag = "shots",
              .help = "k-shot cropping of cold users: only their first k clicks are read, and the one after "
                      "them is the last target; 0: all",
              .newer = newer,
              .limits = settings::Count(0)});
}

void AddSourceDataset(Settings& settings, std::string* path) {
  settings.Add(
      path,
      {.flag = "source_dataset",
       .help = "The other domain's dataset.h5: what the checkpoint was made from (tune), or whose clicks "
               "MiNet reads as well (pretrain, evaluate)",
       .stored = false});
}

void AddProfileFields(Settings& settings, std::vector<std::string>* fields) {
  settings.Add(fields, {.flag = "profile_fields",
                        .help = "Profile fields to use, separated by commas; none: all of the dataset",
                        .stored = false});
}

void DescribeModelAndUsers(Settings& settings, PretrainConfig& config) {
  settings.Topic("Model and users").Section("pretrain");
  settings.Add(
      &config.kind,
      {.flag = "model",
       .help =
           "What is trained: sasrec (next items), cl4srec (and contrastive views), bert4rec (hidden items, "
           "both directions), gru4rec, melu (meta-learned decision layers) or minet (two domains)",
       .newer = true});
  settings.Add(&config.users,
               {.flag = "train_users",
                .help = "Whom to train on: warm (what tuning starts from) or all (warm users and the "
                        "cold users that tuning trains on: what tuned models are compared with)",
                .key = "users",
                .newer = true});
  settings.StoredWhile([&config] { return config.users == TrainingUsers::kAll; });
  AddTask(settings, &config.task);
  AddShots(settings, &config.shots, /*newer=*/false);
  settings.StoredWhile({});
  AddSourceDataset(settings, &config.source_dataset);
}

void DescribeProfileModel(Settings& settings, PretrainConfig& config) {
  settings.Topic("Profile model");
  settings.Add(&config.profile_model,
               {.flag = "profile_model",
                .help = "Add the profile model's vector (Eq. 4) to the user vector here already",
                .stored = false});
  AddProfileFields(settings, &config.profile_fields);
  settings.StoredWhile([&config] { return ReadsProfiles(config); });
  DescribeHiddenWidth(settings, config.prompt);
  DescribeStored(settings, config.prompt);
  settings.StoredWhile({});
}

// Of the kinds of model, only what this one reads is stored.
void DescribeKinds(Settings& settings, PretrainConfig& config) {
  for (const ModelKindEntry& entry : ModelKinds()) {
    if (entry.describe == nullptr) continue;
    settings.Topic(entry.topic).Section("pretrain/" + entry.section);
    settings.StoredWhile([&config, kind = entry.kind] { return config.kind == kind; });
    entry.describe(settings, config);
    settings.StoredWhile({});
  }
}

void DescribeMethod(Settings& settings, TuneConfig& config) {
  settings.Topic("Method").Section("tune");
  AddCheckpoint(settings, &config.checkpoint, /*required=*/true);
  settings.Add(
      &config.method,
      {.flag = "method",
       .help =
           "ppr_light (prompt generator and profile model train, the rest is frozen), ppr_full (everything "
           "trains) or fine_tune (no prompt)"});
  AddTask(settings, &config.task);
  settings.Add(&config.predict_field,
               {.flag = "predict_field",
                .help = "The profile field that --task=profile predicts; prompts leave it out",
                .newer = true});
  AddShots(settings, &config.shots, /*newer=*/true);
  AddSourceDataset(settings, &config.source_dataset);
  optim::AddLearningRate(settings, &config.new_learning_rate.base, "new_learning_rate",
                         "Learning rate of prompt generator and profile model");
  settings.AddFact(&config.new_learning_rate.warmup_steps, "new_warmup_steps");
  settings.Section("");  // it changes the encoder's, which is stored
  model::AddDropout(settings, &config.dropout, kTuneDropout);
}

void DescribePromptAndProfile(Settings& settings, TuneConfig& config) {
  settings.Topic("Prompt and profile");
  Describe(settings, config.prompt);
  settings.AddFact(&config.prompt.user_vectors, "user_vectors", /*newer=*/true);
  AddProfileFields(settings, &config.profile_fields);
  settings.Section("tune").Add(
      &config.profile_init,
      {.flag = "profile_init",
       .help = "Profile tables start as the mean row of items that such warm users clicked "
               "(mean_of_items) or at random (normal)"});
}

}  // namespace

const settings::NameTable<TrainingUsers>& NamesOf(TrainingUsers) {
  static const settings::NameTable<TrainingUsers> names = {{"warm", TrainingUsers::kWarm},
                                                           {"all", TrainingUsers::kAll}};
  return names;
}

const settings::NameTable<Preset>& NamesOf(Preset) {
  static const settings::NameTable<Preset> names = {
      {"none", Preset::kNone}, {"paper", Preset::kPaper}, {"sasrec", Preset::kSasrec}};
  return names;
}

const settings::NameTable<TuneMethod>& NamesOf(TuneMethod) {
  static const settings::NameTable<TuneMethod> names = {{"ppr_light", TuneMethod::kPprLight},
                                                        {"ppr_full", TuneMethod::kPprFull},
                                                        {"fine_tune", TuneMethod::kFineTune}};
  return names;
}

const settings::NameTable<ProfileInit>& NamesOf(ProfileInit) {
  static const settings::NameTable<ProfileInit> names = {{"mean_of_items", ProfileInit::kMeanOfItems},
                                                         {"normal", ProfileInit::kNormal}};
  return names;
}

const settings::NameTable<Baseline>& NamesOf(Baseline) {
  static const settings::NameTable<Baseline> names = {{"none", Baseline::kNone},
                                                      {"popularity", Baseline::kPopularity},
                                                      {"position_popularity", Baseline::kPositionPopularity}};
  return names;
}

bool ReadsProfiles(const PretrainConfig& config) {
  return config.profile_model || EntryOf(config.kind).reads_profiles;
}

void Describe(Settings& settings, PretrainConfig& config) {
  DescribeFiles(settings, config.training);
  DescribeModelAndUsers(settings, config);
  Describe(settings, config.training);
  settings.Topic("Encoder").Section("");
  settings.Add(&config.preset,
               {.flag = "preset",
                .help = "Defaults of a known model: paper (the base model of the PPR paper) or sasrec (two "
                        "pre-LN blocks, BCE); flags that are given win",
                .stored = false});
  Describe(settings, config.encoder);
  DescribeProfileModel(settings, config);
  DescribeKinds(settings, config);
}

std::vector<std::string> PretrainConfig::Problems() const {
  Findings findings;
  findings.Append(settings::LimitProblems(*this));
  findings.Append(training.Problems());
  findings.Append(encoder.Problems());
  findings.Expect(shots <= 0 || users == TrainingUsers::kAll, "shots",
                  "0 unless --train_users=all: warm users are not cropped", std::to_string(shots));
  CheckModelKind(*this, findings);
  findings.Expect(task != EvaluationTask::kProfile, "task", "few_shot, zero_shot or joint", NameOf(task));
  return findings.Take();
}

TuneConfig TuneConfig::Resolved() const {
  TuneConfig resolved = *this;
  resolved.new_learning_rate.warmup_steps = training.learning_rate.warmup_steps;
  if (method == TuneMethod::kFineTune) {
    resolved.prompt.num_tokens = 0;
    resolved.contrastive.weight = 0;
  }
  if (resolved.contrastive.weight == 0) resolved.prompt.projector_width = 0;
  // Everybody's prompt is the same: there is no profile in it to mask.
  const bool personal = prompt.kind != model::PromptKind::kShared;
  if (!personal && resolved.contrastive.weight > 0)
    resolved.contrastive.views = train::ContrastiveViews::kBehaviour;
  if (!source_dataset.empty()) {
    resolved.prompt.user_vectors = true;
    if (resolved.prompt.num_tokens > 0 && personal) resolved.prompt.kind = model::PromptKind::kUserVector;
  }
  return resolved;
}

void Describe(Settings& settings, TuneConfig& config) {
  DescribeFiles(settings, config.training);
  DescribeMethod(settings, config);
  Describe(settings, config.training);
  DescribePromptAndProfile(settings, config);
  settings.Topic("Contrastive loss");
  DescribeLoss(settings, config.contrastive);
  DescribeProjector(settings, config.prompt);
  DescribeViews(settings, config.contrastive);
}

std::vector<std::string> TuneConfig::Problems() const {
  Findings findings;
  findings.Append(settings::LimitProblems(*this));
  findings.Append(training.Problems());
  findings.Append(prompt.Problems());
  findings.Expect(dropout == -1 || dropout >= 0, "dropout", kTuneDropout.expected, Format("%g", dropout));
  findings.Expect(method == TuneMethod::kFineTune || prompt.num_tokens != 0, "prompt_tokens",
                  "for prompts at least 1", "0");
  const bool predicts = task == EvaluationTask::kProfile;
  findings.Expect(predicts != predict_field.empty(), "predict_field",
                  predicts ? "the profile field to predict" : "nothing unless --task=profile",
                  predict_field.empty() ? "" : "\"" + predict_field + "\"");
  findings.Expect(!predicts || shots == 0, "shots", "0 with --task=profile", std::to_string(shots));
  for (const std::string& field : profile_fields) {
    findings.Expect(!predicts || field != predict_field, "profile_fields",
                    "fields without the one to predict", "\"" + field + "\"");
  }
  const bool has_views = method != TuneMethod::kFineTune && contrastive.weight > 0;
  findings.Expect(!has_views || prompt.kind != model::PromptKind::kShared ||
                      contrastive.views != train::ContrastiveViews::kPrompt,
                  "views", "behaviour for a shared prompt, which has no profile to mask",
                  NameOf(contrastive.views));
  if (source_dataset.empty()) return findings.Take();
  findings.Expect(!predicts, "task", "few_shot, zero_shot or joint across domains", NameOf(task));
  findings.Expect(method != TuneMethod::kPprLight, "method",
                  "ppr_full or fine_tune across domains: the item rows are new", NameOf(method));
  const bool is_user_vector = method != TuneMethod::kFineTune && prompt.kind != model::PromptKind::kShared;
  findings.Expect(!is_user_vector || prompt.num_tokens <= 1, "prompt_tokens",
                  "1 across domains: the prompt is the user's vector there",
                  std::to_string(prompt.num_tokens));
  return findings.Take();
}

void Describe(Settings& settings, EvaluateConfig& config) {
  settings.Topic("Evaluation").Section("");
  settings::AddDataset(settings, &config.dataset, /*required=*/true);
  AddCheckpoint(settings, &config.checkpoint, /*required=*/false);
  settings.Add(
      &config.baseline,
      {.flag = "baseline",
       .help = "Instead of a checkpoint: popularity (clicks on the item in training) or position_popularity "
               "(clicks on the item at that position)"});
  AddTask(settings, &config.task);
  AddShots(settings, &config.shots, /*newer=*/false);
  AddSourceDataset(settings, &config.source_dataset);
  settings.Add(&config.part,
               {.flag = "part",
                .help = "Cases to evaluate: auto (cold_test, or test for leave_one_out), warm_dev, "
                        "cold_dev, cold_test, validation or test"});
  settings.Add(&config.full_catalogue,
               {.flag = "full_catalogue",
                .help = "Also rank against all items, not only against the stored candidates"});
  settings.Add(&config.batch_cases, {.flag = "batch_cases",
                                     .help = "Cases of one forward pass on each rank",
                                     .limits = settings::Count(1)});
  settings::AddOutput(settings, &config.output, /*required=*/false);
}

std::vector<std::string> EvaluateConfig::Problems() const {
  Findings findings;
  findings.Append(settings::LimitProblems(*this));
  const bool has_baseline = baseline != Baseline::kNone;
  findings.Expect(has_baseline || !checkpoint.empty(), "checkpoint", "a path", "");
  findings.Expect(!has_baseline || checkpoint.empty(), "checkpoint", "nothing with --baseline", checkpoint);
  std::vector<std::string> parts = settings::NamesIn(NamesOf(data::CasePart{}));
  parts.insert(parts.begin(), "auto");
  findings.Expect(std::find(parts.begin(), parts.end(), part) != parts.end(), "part",
                  "auto, warm_dev, cold_dev, cold_test, validation or test",
                  "\"" + part + "\"" + DidYouMean(part, parts));
  return findings.Take();
}

}  // namespace ppr::stages
