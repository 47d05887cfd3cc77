#include "competitor_trace.h"

#include <ATen/ATen.h>

#include <optional>

#include "base/random.h"
#include "recommender/profile_prediction.h"
#include "train/competitors/melu_recommender.h"
#include "train/competitors/minet_recommender.h"
#include "train/sequence_objective.h"
#include "train/training_targets.h"

namespace ppr::train {
namespace {

constexpr uint64_t kSeed = 5;
constexpr int64_t kWidth = 16;
constexpr int64_t kCity = 1;  // the profile column that is predicted

StepRules Rules() {
  StepRules rules;
  rules.negatives = 2;
  rules.pretrained_rate = {.base = 0.001, .warmup_steps = 10};
  rules.new_rate = {.base = 0.001, .warmup_steps = 0};
  rules.masked = {.mask_prob = 0.4, .last_share = 0.2};
  rules.seed = kSeed;
  return rules;
}

// Without kinks: see training_trace.h.
model::EncoderConfig Smooth(model::AttentionSpan attention = model::AttentionSpan::kCausal) {
  model::EncoderConfig encoder = SmallEncoder(0.2);
  encoder.activation = model::Activation::kGelu;
  encoder.attention = attention;
  return encoder;
}

model::EncoderConfig Gru() {
  model::EncoderConfig encoder = SmallEncoder(0.2);
  encoder.backbone = model::Backbone::kGru;
  return encoder;
}

bool IsTuned(Trained what) { return what >= Trained::kTunedBidirectional; }
bool PredictsProfile(Trained what) {
  return what == Trained::kTunedProfile || what == Trained::kTunedProfileBert;
}

model::EncoderConfig EncoderOf(Trained what) {
  switch (what) {
    case Trained::kBert4rec:
    case Trained::kBert4recBpr:
    case Trained::kTunedBidirectional:
    case Trained::kTunedProfileBert:
      return Smooth(model::AttentionSpan::kBidirectional);
    case Trained::kGru4rec:
    case Trained::kTunedGru:
      return Gru();
    default:
      return Smooth();
  }
}

model::PromptConfig PromptOf(Trained what) {
  model::PromptConfig prompt{.num_tokens = 2, .hidden_width = 8};
  if (what == Trained::kTunedSharedPrompt) prompt.kind = model::PromptKind::kShared;
  if (what == Trained::kTunedUserVectors) {
    prompt.kind = model::PromptKind::kUserVector;
    prompt.num_tokens = 1;
    prompt.user_vectors = true;
  }
  return prompt;
}

StepRules RulesOf(Trained what) {
  StepRules rules = Rules();
  if (what == Trained::kCl4srec) rules.augmentation = {.weight = 0.3, .reorder = 0.6};
  if (what == Trained::kBert4rec) rules.loss = model::NextItemLoss::kSoftmax;
  if (IsTuned(what) && !PredictsProfile(what)) rules.contrastive.weight = 0.3;
  // Everybody's prompt is the same: there is none to mask.
  if (what == Trained::kTunedSharedPrompt) rules.contrastive.views = ContrastiveViews::kBehaviour;
  return rules;
}

data::PlanRules PlanOf(const TrainedSetting& setting, const recommender::Recommender& recommender) {
  const bool masks = setting.what == Trained::kBert4rec || setting.what == Trained::kBert4recBpr;
  return {.targets = setting.targets,
          .max_history = masks ? 6 : recommender.packing().most_clicks(),
          .seed = kSeed,
          .reading =
              masks || PredictsProfile(setting.what) ? data::Reading::kWhole : NextItemReading(recommender)};
}

// What users are in another domain: every fourth is not there.
at::Tensor UserVectors(int64_t users) {
  const RandomKey key = MakeRandomKey(kSeed, RandomSite::kTest);
  at::Tensor vectors = at::zeros({users, kWidth});
  float* const values = vectors.mutable_data_ptr<float>();
  for (int64_t i = 0; i < vectors.numel(); ++i) {
    if (i / kWidth % 4 != 0) values[i] = static_cast<float>(key.Normal(static_cast<uint64_t>(i)));
  }
  return vectors;
}

std::vector<int32_t> UsersOf(const data::Dataset& dataset, Trained what) {
  if (!IsTuned(what)) return data::UsersOf(dataset, data::UserPart::kWarm);
  const std::vector<int32_t> users = data::UsersOf(dataset, data::UserPart::kColdTrain);
  return PredictsProfile(what)
             ? recommender::UsersWithValue(dataset, users, recommender::FindPredictedField(dataset, "city"))
             : users;
}

std::unique_ptr<recommender::Recommender> MakeSequenceModel(dist::Communicator& communicator,
                                                            const data::Dataset& dataset, Trained what) {
  if (PredictsProfile(what)) return ProfilePredictor(communicator, EncoderOf(what).attention);
  std::optional<model::PromptConfig> prompt;
  recommender::ProfileInput profile;
  if (IsTuned(what)) {
    prompt = PromptOf(what);
    profile = recommender::MakeProfileInput(dataset, {});
  }
  auto recommender = std::make_unique<recommender::Recommender>(communicator, EncoderOf(what), prompt,
                                                                profile, dataset.num_items(), kSeed);
  if (what == Trained::kTunedUserVectors) recommender->SetUserVectors(UserVectors(dataset.num_users()));
  return recommender;
}

Trace TrainSequenceModel(dist::Communicator& communicator, const TrainedSetting& setting) {
  const data::Dataset dataset = TargetDomain();
  const std::unique_ptr<recommender::Recommender> recommender =
      MakeSequenceModel(communicator, dataset, setting.what);
  recommender->UseCompute(setting.compute);
  const data::NegativeSampler negatives(dataset, kSeed);
  const StepRules rules = RulesOf(setting.what);
  SequenceObjective objective(*recommender, dataset, negatives, rules,
                              PredictsProfile(setting.what) ? kCity : -1);
  TrainingStep step(*recommender, objective, rules);
  data::EpochPlan plan(dataset, UsersOf(dataset, setting.what), PlanOf(setting, *recommender));
  return RunSteps(*recommender, step, plan, setting.batch_size, setting.steps);
}

Trace TrainMelu(dist::Communicator& communicator, const TrainedSetting& setting) {
  const data::Dataset dataset = TargetDomain();
  const data::NegativeSampler negatives(dataset, kSeed);
  MeluRecommender recommender(communicator, dataset, recommender::MakeProfileInput(dataset, {}), negatives,
                              {.local_rate = 0.3, .local_steps = 2, .support_clicks = 4},
                              model::NextItemLoss::kBpr, kWidth, 0.5, kSeed);
  MeluObjective objective(recommender, kSeed);
  TrainingStep step(recommender, objective, Rules());
  data::EpochPlan plan(dataset, data::UsersOf(dataset, data::UserPart::kWarm),
                       {.targets = setting.targets, .max_history = 6, .seed = kSeed});
  return RunSteps(recommender, step, plan, setting.batch_size, setting.steps);
}

Trace TrainMinet(dist::Communicator& communicator, const TrainedSetting& setting) {
  const data::Dataset dataset = TargetDomain(), source = SourceDomain();
  const data::NegativeSampler negatives(dataset, kSeed), source_negatives(source, kSeed);
  MinetRecommender recommender(communicator, dataset, source, recommender::MakeProfileInput(dataset, {}),
                               {.target_clicks = 4, .source_clicks = 5}, kWidth, 0.5, kSeed);
  MinetObjective objective(
      recommender, negatives, source_negatives,
      setting.what == Trained::kMinet ? model::NextItemLoss::kBce : model::NextItemLoss::kBpr, kSeed);
  TrainingStep step(recommender, objective, Rules());
  data::EpochPlan plan(
      dataset, data::UsersOf(dataset, data::UserPart::kWarm),
      {.targets = setting.targets, .max_history = 6, .seed = kSeed, .reading = data::Reading::kEachTarget});
  return RunSteps(recommender, step, plan, setting.batch_size, setting.steps);
}

}  // namespace

data::Dataset TargetDomain() { return test::MakeSyntheticDataset(); }

data::Dataset SourceDomain() {
  return test::MakeSyntheticDataset({.users = 44, .items = 30, .max_clicks = 12, .seed = 8});
}

std::unique_ptr<recommender::Recommender> ProfilePredictor(dist::Communicator& communicator,
                                                           model::AttentionSpan attention, double dropout) {
  const data::Dataset dataset = TargetDomain();
  model::EncoderConfig encoder = Smooth(attention);
  encoder.dropout = dropout;
  return std::make_unique<recommender::Recommender>(communicator, encoder, PromptOf(Trained::kTunedProfile),
                                                    recommender::MakeProfileInput(dataset, {"age"}),
                                                    dataset.num_items(), kSeed,
                                                    recommender::FindPredictedField(dataset, "city").classes);
}

Trace Train(dist::Communicator& communicator, const TrainedSetting& setting) {
  at::set_num_threads(1);
  if (setting.what == Trained::kMelu) return TrainMelu(communicator, setting);
  if (setting.what == Trained::kMinet || setting.what == Trained::kMinetBpr)
    return TrainMinet(communicator, setting);
  return TrainSequenceModel(communicator, setting);
}

Trace TrainOnThreads(const TrainedSetting& setting, int world_size) {
  return TraceOnThreads(world_size,
                        [&](dist::Communicator& communicator) { return Train(communicator, setting); });
}

void ExpectSameTraining(const Trace& many, const Trace& one, int world_size) {
  ExpectSame(many, one, world_size, /*first_steps=*/3e-6, /*all=*/5e-5);
}

std::vector<Trained> EveryTrained() {
  return {Trained::kCl4srec,
          Trained::kBert4rec,
          Trained::kBert4recBpr,
          Trained::kGru4rec,
          Trained::kMelu,
          Trained::kMinet,
          Trained::kMinetBpr,
          Trained::kTunedBidirectional,
          Trained::kTunedGru,
          Trained::kTunedSharedPrompt,
          Trained::kTunedUserVectors,
          Trained::kTunedProfile,
          Trained::kTunedProfileBert};
}

std::string NameOfTrained(const testing::TestParamInfo<Trained>& info) {
  static const char* const kNames[] = {"Cl4srec",
                                       "Bert4rec",
                                       "Bert4recBpr",
                                       "Gru4rec",
                                       "Melu",
                                       "Minet",
                                       "MinetBpr",
                                       "TunedBidirectional",
                                       "TunedGru",
                                       "TunedSharedPrompt",
                                       "TunedUserVectors",
                                       "TunedProfile",
                                       "TunedProfileBert"};
  return kNames[static_cast<size_t>(info.param)];
}

}  // namespace ppr::train
