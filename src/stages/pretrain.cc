// ppr pretrain: a model from scratch, on warm users (paper 3.3) or, for models that are compared with tuned
// ones, on warm and cold users together (4.2).

#include "base/errors.h"
#include "base/text_format.h"
#include "stages/config_json.h"
#include "stages/run_summary.h"
#include "stages/stages.h"
#include "train/case_validation.h"
#include "train/competitors/melu_recommender.h"
#include "train/competitors/minet_recommender.h"
#include "train/sequence_objective.h"
#include "train/training_loop.h"
#include "train/training_targets.h"

namespace ppr::stages {
namespace {

train::StepRules RulesOf(const PretrainConfig& config) {
  train::StepRules rules = train::PretrainingRules(config.training);
  if (config.kind == ModelKind::kCl4srec) rules.augmentation = config.augmentation;
  rules.masked = config.masked;
  return rules;
}

// Masked clicks are hidden in whole sequences; whoever predicts the next click reads prefixes. Which of the
// cold users' first clicks are targets does not matter for warm ones: those have no case at position 0.
data::PlanRules PlanOf(const PretrainConfig& config) {
  const bool masks = config.kind == ModelKind::kBert4rec;
  const bool all = config.users == TrainingUsers::kAll;
  return {.targets = all ? train::TargetsOf(config.task == evaluation::EvaluationTask::kZeroShot
                                                ? evaluation::EvaluationTask::kJoint
                                                : config.task)
                         : data::TargetClicks::kAfterFirst,
          .max_history = config.encoder.max_history,
          .seed = config.training.seed,
          .reading = masks ? data::Reading::kWhole : data::Reading::kEveryClick,
          .shots = config.shots};
}

std::vector<int64_t> ValidationCases(const data::Dataset& dataset, const PretrainConfig& config) {
  if (dataset.protocol == data::Protocol::kLeaveOneOut)
    return evaluation::SelectCases(dataset, data::CasePart::kValidation, evaluation::EvaluationTask::kJoint);
  if (config.users == TrainingUsers::kWarm)
    return evaluation::SelectCases(dataset, data::CasePart::kWarmDev, evaluation::EvaluationTask::kJoint);
  return evaluation::SelectCases(dataset, data::CasePart::kColdDev, config.task, config.shots);
}

// The profile fields that the model reads; none unless it has use for them.
recommender::ProfileInput FieldsOf(const data::Dataset& dataset, const PretrainConfig& config) {
  if (!ReadsProfiles(config)) return {};
  const bool scores_pairs = EntryOf(config.kind).scores_pairs;
  if (dataset.num_fields() == 0) {
    throw DataError(dataset.path + ": expected user profiles for " +
                    (scores_pairs ? settings::NameOf(config.kind) : "a profile model") +
                    ", found none; give --users to "
                    "prepare");
  }
  return recommender::MakeProfileInput(dataset, config.profile_fields);
}

// What the kinds of model differ in, ready to train.
struct Task {
  recommender::ShardedModel& model;
  train::Objective& objective;
  data::PlanRules plan;
  std::function<double()> validate;
  std::string config_json;
};

train::StageResult Train(const PretrainConfig& config, const data::Dataset& dataset, const Task& task,
                         const std::string& resolved_flags) {
  const train::TrainingConfig& training = config.training;
  train::TrainingStep step(task.model, task.objective, RulesOf(config));
  data::EpochPlan plan(dataset,
                       config.users == TrainingUsers::kWarm ? data::UsersOf(dataset, data::UserPart::kWarm)
                                                            : data::WarmAndColdTrainUsers(dataset),
                       task.plan);
  train::LoopInputs inputs{.stage = "pretrain",
                           .config_json = task.config_json,
                           .differences = ConfigDifferences,
                           .resolved_flags = resolved_flags,
                           .validate = task.validate,
                           .metric = training.metric};
  train::TrainingLoop loop(task.model, step, dataset, plan, training, std::move(inputs));
  train::StageResult result = loop.Run();
  const int64_t trained = step.trained_parameters();
  result.text += Format("trained parameters: %s\n", WithThousands(trained).c_str());
  if (task.model.communicator().rank() == 0)
    WriteRunSummary(training.output, "pretrain", result, {.trained = trained, .pretrained = trained});
  return result;
}

// The validation of a pair scorer; empty without cases.
std::function<double()> ScoredValidation(train::PairScorer& scorer, const data::Dataset& dataset,
                                         const PretrainConfig& config) {
  std::vector<int64_t> cases = ValidationCases(dataset, config);
  if (cases.empty()) return {};
  return [&scorer, &dataset, cases = std::move(cases), metric = config.training.metric] {
    const evaluation::CaseResults results =
        evaluation::EvaluateScoredCases(scorer.communicator(), dataset, cases, train::ScoresOf(scorer));
    return evaluation::MeansOf(results.candidates).Named(metric);
  };
}

train::StageResult PretrainSequenceModel(dist::Communicator& communicator, const PretrainConfig& config,
                                         const data::Dataset& dataset, const std::string& resolved_flags) {
  const train::TrainingConfig& training = config.training;
  const recommender::ProfileInput profile = FieldsOf(dataset, config);
  std::optional<model::PromptConfig> prompt;
  if (config.profile_model) prompt = config.prompt;
  recommender::Recommender recommender(communicator, config.encoder, prompt, profile, dataset.num_items(),
                                       training.seed);
  recommender.UseCompute(training.compute);
  const data::NegativeSampler negatives(dataset, training.seed);
  train::SequenceObjective objective(recommender, dataset, negatives, RulesOf(config));
  return Train(
      config, dataset,
      {.model = recommender,
       .objective = objective,
       .plan = PlanOf(config),
       .validate = train::CaseValidation(recommender, dataset, ValidationCases(dataset, config), training),
       .config_json = ConfigJson(config, profile)},
      resolved_flags);
}

train::StageResult PretrainMelu(dist::Communicator& communicator, const PretrainConfig& config,
                                const data::Dataset& dataset, const std::string& resolved_flags) {
  const train::TrainingConfig& training = config.training;
  const recommender::ProfileInput profile = FieldsOf(dataset, config);
  const data::NegativeSampler negatives(dataset, training.seed);
  train::MeluRecommender recommender(communicator, dataset, profile, negatives, config.melu, training.loss,
                                     config.encoder.width, config.encoder.init_std, training.seed);
  train::MeluObjective objective(recommender, training.seed);
  return Train(config, dataset,
               {.model = recommender,
                .objective = objective,
                .plan = PlanOf(config),
                .validate = ScoredValidation(recommender, dataset, config),
                .config_json = ConfigJson(config, profile)},
               resolved_flags);
}

train::StageResult PretrainMinet(dist::Communicator& communicator, const PretrainConfig& config,
                                 const data::Dataset& dataset, const std::string& resolved_flags) {
  const train::TrainingConfig& training = config.training;
  const data::Dataset source = data::ReadDataset(config.source_dataset);
  const recommender::ProfileInput profile = FieldsOf(dataset, config);
  const data::NegativeSampler negatives(dataset, training.seed), source_negatives(source, training.seed);
  train::MinetRecommender recommender(communicator, dataset, source, profile, config.minet,
                                      config.encoder.width, config.encoder.init_std, training.seed);
  train::MinetObjective objective(recommender, negatives, source_negatives, training.loss, training.seed);
  data::PlanRules plan = PlanOf(config);
  plan.reading = data::Reading::kEachTarget;
  return Train(config, dataset,
               {.model = recommender,
                .objective = objective,
                .plan = plan,
                .validate = ScoredValidation(recommender, dataset, config),
                .config_json = ConfigJson(config, profile, source.digest)},
               resolved_flags);
}

}  // namespace

train::StageResult Pretrain(dist::Communicator& communicator, const PretrainConfig& config,
                            const std::string& resolved_flags) {
  const data::Dataset dataset = data::ReadDataset(config.training.dataset);
  switch (config.kind) {
    case ModelKind::kMelu:
      return PretrainMelu(communicator, config, dataset, resolved_flags);
    case ModelKind::kMinet:
      return PretrainMinet(communicator, config, dataset, resolved_flags);
    default:
      return PretrainSequenceModel(communicator, config, dataset, resolved_flags);
  }
}

}  // namespace ppr::stages
