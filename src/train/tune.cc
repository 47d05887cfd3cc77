// ppr tune: personalised prompt-tuning, light or full, and fine-tuning (paper 3.4), from a pretrain
// checkpoint.

#include <ATen/ATen.h>

#include "base/digest.h"
#include "base/errors.h"
#include "base/text_format.h"
#include "train/config_json.h"
#include "train/profile_init.h"
#include "train/setting_names.h"
#include "train/stages.h"
#include "train/stored_recommender.h"
#include "train/training_loop.h"

namespace ppr::train {
namespace {

data::TargetClicks TargetsOf(EvaluationTask task) {
  switch (task) {
    case EvaluationTask::kFewShot:
      return data::TargetClicks::kAfterFirst;
    case EvaluationTask::kZeroShot:
      return data::TargetClicks::kFirst;
    case EvaluationTask::kJoint:
      return data::TargetClicks::kAll;
  }
  return data::TargetClicks::kAll;
}

// Fine-tuning has no prompt, so nothing to contrast.
TuneConfig Resolved(TuneConfig config) {
  if (config.method == TuneMethod::kFineTune) {
    config.prompt.num_tokens = 0;
    config.prompt.projector_width = 0;
    config.contrastive.weight = 0;
  }
  if (config.contrastive.weight == 0) config.prompt.projector_width = 0;
  return config;
}

// The pre-trained values into the tuned model: the encoder's parameters lead its flat buffer, as they fill
// the pre-trained one.
void TakePretrained(Recommender& pretrained, Recommender& tuned) {
  const at::Tensor from = pretrained.parameters().values();
  const auto& before = pretrained.parameters().parameters();
  const auto& after = tuned.parameters().parameters();
  for (size_t i = 0; i < before.size(); ++i) {
    PPR_BUG_IF_NOT(before[i].name == after[i].name && before[i].offset == after[i].offset,
                   "encoder parameters moved: " + before[i].name);
  }
  tuned.parameters().values().narrow(0, 0, from.numel()).copy_(from);
  tuned.table().rows.copy_(pretrained.table().rows);
}

// Digest of everything pre-trained on this rank.
std::string PretrainedDigest(Recommender& recommender, int64_t pretrained_numel) {
  Digester digester;
  const at::Tensor values = recommender.parameters().values();
  const at::Tensor& rows = recommender.table().rows;
  digester.Update(values.const_data_ptr(), static_cast<size_t>(pretrained_numel) * sizeof(float));
  digester.Update(rows.const_data_ptr(), static_cast<size_t>(rows.numel()) * sizeof(float));
  return digester.Hex();
}

// Table 1: what trains, as a share of what fine-tuning trains.
std::string ParameterShares(const TrainingStep& step, Recommender& recommender, int64_t pretrained_dense) {
  const int64_t pretrained =
      pretrained_dense + recommender.table().owners.num_items() * recommender.encoder().config().width;
  int64_t generator = 0;
  int64_t fresh = 0;
  for (const model::DenseParameter& parameter : recommender.parameters().parameters()) {
    if (parameter.group != model::ParameterGroup::kNew) continue;
    fresh += parameter.numel;
    if (parameter.name.starts_with("prompt.") && parameter.name.find("table") == std::string::npos)
      generator += parameter.numel;
  }
  const auto share = [&](int64_t count) {
    return 100.0 * static_cast<double>(count) / static_cast<double>(pretrained);
  };
  std::string text = Format("pre-trained parameters: %s (100 %%)\n", WithThousands(pretrained).c_str());
  text +=
      Format("new parameters: %s (%.2f %%), of them the prompt generator's MLP: %s (%.2f %%)\n",
             WithThousands(fresh).c_str(), share(fresh), WithThousands(generator).c_str(), share(generator));
  text += Format("trained here: %s (%.2f %%)\n", WithThousands(step.trained_parameters()).c_str(),
                 share(step.trained_parameters()));
  return text;
}

}  // namespace

StageResult Tune(dist::Communicator& communicator, const TuneConfig& given,
                 const std::string& resolved_flags) {
  const TuneConfig config = Resolved(given);
  const TrainingConfig& training = config.training;
  const data::Dataset dataset = data::ReadDataset(training.dataset);
  if (dataset.protocol == data::Protocol::kLeaveOneOut) {
    throw DataError(dataset.path +
                    ": expected cold users to tune for, found a leave_one_out dataset; prepare it with "
                    "threshold or holdout");
  }
  if (dataset.num_fields() == 0)
    throw DataError(dataset.path +
                    ": expected user profiles to tune with, found none; give --users to prepare");
  LoadedCheckpoint checkpoint = LoadForReading(communicator, config.checkpoint, dataset);
  if (checkpoint.contents.kind != "pretrain") {
    throw DataError(checkpoint.folder + ": expected a checkpoint of pretrain, found one of " +
                    checkpoint.contents.kind);
  }
  model::EncoderConfig encoder = ParseStoredModel(checkpoint.contents.config_json, checkpoint.folder).encoder;
  if (config.dropout >= 0) encoder.dropout = config.dropout;
  const ProfileInput profile = MakeProfileInput(dataset, config.profile_fields);
  Recommender recommender(communicator, encoder, config.prompt, profile, dataset.num_items(), training.seed);
  int64_t pretrained_dense = 0;
  {
    const std::unique_ptr<Recommender> pretrained = RestoreRecommender(communicator, checkpoint, dataset);
    pretrained_dense = pretrained->parameters().numel();
    TakePretrained(*pretrained, recommender);
    checkpoint.DropTensors();  // a table and its moments, for the whole run else
  }
  if (config.profile_init == ProfileInit::kMeanOfItems) InitialiseProfileTables(dataset, recommender);

  recommender.UseCompute(training.compute);
  const data::NegativeSampler negatives(dataset, training.seed);
  const bool light = config.method == TuneMethod::kPprLight;
  const StepRules rules{.loss = training.loss,
                        .negatives = training.negatives,
                        .negative_sharing = training.negative_sharing,
                        .pretrained_rate = training.learning_rate,
                        .new_rate = config.new_learning_rate,
                        .adam = training.adam,
                        .train_pretrained = !light,
                        .contrastive = config.contrastive,
                        .seed = training.seed};
  TrainingStep step(recommender, dataset, negatives, rules);
  data::EpochPlan plan(dataset, data::UsersOf(dataset, data::UserPart::kColdTrain), TargetsOf(config.task),
                       encoder.max_history, training.seed);
  LoopInputs inputs{.stage = "tune",
                    .config_json = ConfigJson(config, encoder, profile),
                    .parent_digest = checkpoint.digest,
                    .validation_cases = SelectCases(dataset, data::CasePart::kColdDev, config.task),
                    .resolved_flags = resolved_flags};
  const std::string digest_before = PretrainedDigest(recommender, pretrained_dense);
  TrainingLoop loop(recommender, step, dataset, plan, training, std::move(inputs));
  StageResult result = loop.Run();
  const std::string digest_after = PretrainedDigest(recommender, pretrained_dense);
  PPR_BUG_IF_NOT(!light || digest_before == digest_after, "PPR(light) changed a frozen parameter");
  result.text =
      NameOf(config.method) + " " + result.text + ParameterShares(step, recommender, pretrained_dense);
  if (light) {
    std::string digests;
    for (const std::string& of_rank : dist::AllGatherText(communicator, digest_after)) digests += of_rank;
    result.text += Format("frozen parameters: digest %s before and after, over the shards of %d ranks\n",
                          DigestOfBytes(digests.data(), digests.size()).c_str(), communicator.size());
  }
  return result;
}

}  // namespace ppr::train
