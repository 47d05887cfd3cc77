// ppr tune: personalised prompt-tuning, light or full, and fine-tuning (paper 3.4), from a pretrain
// checkpoint, for cold users of the same dataset or of another domain (4.9.1), towards their next clicks or a
// profile value (4.9.2).

#include <ATen/ATen.h>

#include <cmath>

#include "base/digest.h"
#include "base/errors.h"
#include "base/text_format.h"
#include "recommender/profile_init.h"
#include "recommender/profile_prediction.h"
#include "recommender/source_users.h"
#include "stages/config_json.h"
#include "stages/run_summary.h"
#include "stages/stages.h"
#include "stages/stored_recommender.h"
#include "train/case_validation.h"
#include "train/sequence_objective.h"
#include "train/training_loop.h"
#include "train/training_targets.h"

namespace ppr::stages {
namespace {

// Fine-tuning has no prompt, so nothing to contrast.
// The pre-trained values into the tuned model: the encoder's parameters lead its flat buffer, as they fill
// the pre-trained one.
void TakePretrained(recommender::Recommender& pretrained, bool same_items, recommender::Recommender& tuned) {
  const at::Tensor from = pretrained.parameters().values();
  const auto& before = pretrained.parameters().parameters();
  const auto& after = tuned.parameters().parameters();
  for (size_t i = 0; i < before.size(); ++i) {
    PPR_BUG_IF_NOT(before[i].name == after[i].name && before[i].offset == after[i].offset,
                   "encoder parameters moved: " + before[i].name);
  }
  tuned.parameters().values().narrow(0, 0, from.numel()).copy_(from);
  if (same_items) tuned.table().rows.copy_(pretrained.table().rows);
}

// Digest of everything pre-trained on this rank.
std::string PretrainedDigest(recommender::Recommender& recommender, int64_t pretrained_numel) {
  Digester digester;
  const at::Tensor values = recommender.parameters().values();
  const at::Tensor& rows = recommender.table().rows;
  digester.Update(values.const_data_ptr(), static_cast<size_t>(pretrained_numel) * sizeof(float));
  digester.Update(rows.const_data_ptr(), static_cast<size_t>(rows.numel()) * sizeof(float));
  return digester.Hex();
}

// Table 1: what trains, and what fine-tuning trains of the pre-trained model.
ParameterCounts CountParameters(const train::TrainingStep& step, recommender::Recommender& recommender,
                                int64_t pretrained_dense, bool same_items) {
  ParameterCounts counts{.trained = step.trained_parameters(), .pretrained = pretrained_dense};
  (same_items ? counts.pretrained : counts.fresh) +=
      recommender.table().owners.num_items() * recommender.width();
  for (const model::DenseParameter& parameter : recommender.parameters().parameters()) {
    if (parameter.group != model::ParameterGroup::kNew) continue;
    counts.fresh += parameter.numel;
    if (parameter.name.starts_with("prompt.") && parameter.name.find("table") == std::string::npos)
      counts.generator += parameter.numel;
  }
  return counts;
}

std::string ToText(const ParameterCounts& counts) {
  const auto share = [&](int64_t count) {
    return 100.0 * static_cast<double>(count) / static_cast<double>(counts.pretrained);
  };
  std::string text =
      Format("pre-trained parameters: %s (100 %%)\n", WithThousands(counts.pretrained).c_str());
  text += Format("new parameters: %s (%.2f %%), of them the prompt generator's MLP: %s (%.2f %%)\n",
                 WithThousands(counts.fresh).c_str(), share(counts.fresh),
                 WithThousands(counts.generator).c_str(), share(counts.generator));
  text +=
      Format("trained here: %s (%.2f %%)\n", WithThousands(counts.trained).c_str(), share(counts.trained));
  return text;
}

void RefuseDataset(const data::Dataset& dataset) {
  if (dataset.protocol == data::Protocol::kLeaveOneOut) {
    throw DataError(dataset.path +
                    ": expected cold users to tune for, found a leave_one_out dataset; prepare it with "
                    "threshold or holdout");
  }
  if (dataset.num_fields() == 0)
    throw DataError(dataset.path +
                    ": expected user profiles to tune with, found none; give --users to prepare");
}

// What tuning starts from: a sequence model that was pre-trained alone.
void RequirePretrained(const StoredRun& run) {
  const checkpoint::StoredCheckpoint& checkpoint = run.checkpoint;
  if (checkpoint.manifest.kind != "pretrain") {
    throw DataError(checkpoint.folder + ": expected a checkpoint of pretrain, found one of " +
                    checkpoint.manifest.kind);
  }
  const StoredModel& model = run.model;
  if (model.kind == ModelKind::kMelu || model.kind == ModelKind::kMinet) {
    throw DataError(checkpoint.folder + ": expected a sequence model to tune, found " +
                    settings::NameOf(model.kind));
  }
  if (model.has_prompt) {
    throw DataError(checkpoint.folder +
                    ": expected a model without a profile model, which tuning brings itself, found one "
                    "pre-trained with --profile_model");
  }
}

// The profile fields of the model: all that are asked for, but the one to predict.
recommender::ProfileInput FieldsOf(const data::Dataset& dataset, const TuneConfig& config) {
  std::vector<std::string> names = config.profile_fields;
  if (names.empty()) {
    for (const data::ProfileField& field : dataset.fields) {
      if (field.name != config.predict_field) names.push_back(field.name);
    }
    if (names.empty()) {
      throw DataError(dataset.path + ": expected a profile field besides " + config.predict_field +
                      " to make prompts of, found none");
    }
  }
  return recommender::MakeProfileInput(dataset, names);
}

train::StepRules RulesOf(const TuneConfig& config) {
  const train::TrainingConfig& training = config.training;
  train::StepRules rules{.loss = training.loss,
                         .negatives = training.negatives,
                         .negative_sharing = training.negative_sharing,
                         .pretrained_rate = training.learning_rate,
                         .new_rate = config.new_learning_rate,
                         .optimiser = training.optimiser,
                         .train_pretrained = config.method != TuneMethod::kPprLight,
                         .contrastive = config.contrastive,
                         .seed = training.seed};
  if (!config.source_dataset.empty()) rules.row_rate = config.new_learning_rate;  // the rows are new
  return rules;
}

data::PlanRules PlanOf(const TuneConfig& config, const recommender::Recommender& recommender) {
  const bool predicts = config.task == evaluation::EvaluationTask::kProfile;
  return {.targets = predicts ? data::TargetClicks::kAfterFirst : train::TargetsOf(config.task),
          .max_history = recommender.packing().most_clicks(),
          .seed = config.training.seed,
          .reading = predicts ? data::Reading::kWhole : train::NextItemReading(recommender),
          .shots = config.shots};
}

// How well the predictions of a profile value do on `users`: the geometric mean of the probability of the
// true one, which moves with every user where counts of hits jump.
std::function<double()> ProfileValidation(recommender::Recommender& recommender, const data::Dataset& dataset,
                                          std::vector<int32_t> users,
                                          const recommender::PredictedField& field) {
  if (users.empty()) return {};
  return [&recommender, &dataset, users = std::move(users), field] {
    return std::exp(recommender::PredictProfiles(recommender, dataset, users, field).mean_log_probability);
  };
}

// The model to tune: the pre-trained values, and new parts.
struct Model {
  std::unique_ptr<recommender::Recommender> recommender;
  int64_t pretrained_dense = 0;
  recommender::ProfileInput profile;
  std::string parent_digest;
};

Model BuildModel(dist::Communicator& communicator, const TuneConfig& config, const data::Dataset& dataset,
                 int64_t classes) {
  const bool same_items = config.source_dataset.empty();
  std::optional<data::Dataset> source;
  if (!same_items) source = data::ReadDataset(config.source_dataset);
  const data::Dataset& pretrained_on = source ? *source : dataset;
  const StoredRun run = OpenForReading(communicator, config.checkpoint, pretrained_on);
  RequirePretrained(run);
  model::EncoderConfig encoder = run.model.encoder;
  if (config.dropout >= 0) encoder.dropout = config.dropout;
  if (encoder.backbone == ::ppr::model::Backbone::kGru && config.prompt.num_tokens > 1) {
    throw ConfigError("--prompt_tokens: expected 1 with a GRU, which starts from one state; found " +
                      std::to_string(config.prompt.num_tokens));
  }
  Model model{.recommender = nullptr, .profile = FieldsOf(dataset, config), .parent_digest = run.digest()};
  model.recommender =
      std::make_unique<recommender::Recommender>(communicator, encoder, config.prompt, model.profile,
                                                 dataset.num_items(), config.training.seed, classes);
  const std::unique_ptr<recommender::Recommender> pretrained =
      RestoreRecommender(communicator, run, pretrained_on);
  model.pretrained_dense = pretrained->parameters().numel();
  TakePretrained(*pretrained, same_items, *model.recommender);
  if (source)
    model.recommender->SetUserVectors(recommender::SourceUserVectors(*pretrained, *source, dataset));
  // Rows of another domain are still as they were drawn: means of them say nothing.
  if (config.profile_init == ProfileInit::kMeanOfItems && same_items)
    recommender::InitialiseProfileTables(dataset, *model.recommender);
  return model;
}

// What the report says of parameters that PPR(light) leaves alone. Collective.
std::string FrozenText(dist::Communicator& communicator, const std::string& digest_here) {
  std::string digests;
  for (const std::string& of_rank : dist::AllGatherText(communicator, digest_here)) digests += of_rank;
  return Format("frozen parameters: digest %s before and after, over the shards of %d ranks\n",
                DigestOfBytes(digests.data(), digests.size()).c_str(), communicator.size());
}

// What decides which checkpoint is best: cold dev users, by their clicks or by the value that is predicted.
std::function<double()> ValidationOf(recommender::Recommender& recommender, const data::Dataset& dataset,
                                     const TuneConfig& config, const recommender::PredictedField& field) {
  if (config.task == evaluation::EvaluationTask::kProfile) {
    const std::vector<int32_t> users = data::UsersOf(dataset, data::UserPart::kColdDev);
    return ProfileValidation(recommender, dataset, recommender::UsersWithValue(dataset, users, field), field);
  }
  return train::CaseValidation(
      recommender, dataset,
      evaluation::SelectCases(dataset, data::CasePart::kColdDev, config.task, config.shots), config.training);
}

}  // namespace

train::StageResult Tune(dist::Communicator& communicator, const TuneConfig& given,
                        const std::string& resolved_flags) {
  const TuneConfig config = given.Resolved();
  const train::TrainingConfig& training = config.training;
  const data::Dataset dataset = data::ReadDataset(training.dataset);
  RefuseDataset(dataset);
  const bool predicts = config.task == evaluation::EvaluationTask::kProfile;
  const recommender::PredictedField field =
      predicts ? recommender::FindPredictedField(dataset, config.predict_field)
               : recommender::PredictedField{};
  const Model model = BuildModel(communicator, config, dataset, field.classes);
  recommender::Recommender& recommender = *model.recommender;
  recommender.UseCompute(training.compute);

  const data::NegativeSampler negatives(dataset, training.seed);
  const train::StepRules rules = RulesOf(config);
  train::SequenceObjective objective(recommender, dataset, negatives, rules, field.column);
  train::TrainingStep step(recommender, objective, rules);
  std::vector<int32_t> users = data::UsersOf(dataset, data::UserPart::kColdTrain);
  if (predicts) users = recommender::UsersWithValue(dataset, users, field);
  data::EpochPlan plan(dataset, users, PlanOf(config, recommender));
  train::LoopInputs inputs{.stage = "tune",
                           .config_json = ConfigJson(config, recommender.encoder().config(), model.profile),
                           .differences = ConfigDifferences,
                           .parent_digest = model.parent_digest,
                           .resolved_flags = resolved_flags,
                           .validate = ValidationOf(recommender, dataset, config, field),
                           .metric = predicts ? "probability of the true value" : training.metric};
  const std::string digest_before = PretrainedDigest(recommender, model.pretrained_dense);
  train::TrainingLoop loop(recommender, step, dataset, plan, training, std::move(inputs));
  train::StageResult result = loop.Run();
  const ParameterCounts counts =
      CountParameters(step, recommender, model.pretrained_dense, config.source_dataset.empty());
  result.text = settings::NameOf(config.method) + " " + result.text + ToText(counts);
  if (config.method == TuneMethod::kPprLight) {
    const std::string digest_after = PretrainedDigest(recommender, model.pretrained_dense);
    PPR_BUG_IF_NOT(digest_before == digest_after, "PPR(light) changed a frozen parameter");
    result.text += FrozenText(communicator, digest_after);
  }
  if (communicator.rank() == 0) WriteRunSummary(training.output, "tune", result, counts);
  return result;
}

}  // namespace ppr::stages
