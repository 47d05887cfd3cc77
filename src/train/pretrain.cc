// ppr pretrain: next-item training of encoder and item table on warm users (paper 3.3).

#include "base/text_format.h"
#include "train/config_json.h"
#include "train/stages.h"
#include "train/training_loop.h"

namespace ppr::train {

StageResult Pretrain(dist::Communicator& communicator, const PretrainConfig& config,
                     const std::string& resolved_flags) {
  const TrainingConfig& training = config.training;
  const data::Dataset dataset = data::ReadDataset(training.dataset);
  Recommender recommender(communicator, config.encoder, std::nullopt, {}, dataset.num_items(), training.seed);
  recommender.UseCompute(training.compute);
  const data::NegativeSampler negatives(dataset, training.seed);
  TrainingStep step(recommender, dataset, negatives, PretrainingRules(training));
  data::EpochPlan plan(dataset, data::UsersOf(dataset, data::UserPart::kWarm),
                       data::TargetClicks::kAfterFirst, config.encoder.max_history, training.seed);
  const bool leave_one_out = dataset.protocol == data::Protocol::kLeaveOneOut;
  LoopInputs inputs{.stage = "pretrain",
                    .config_json = ConfigJson(config),
                    .validation_cases = SelectCases(
                        dataset, leave_one_out ? data::CasePart::kValidation : data::CasePart::kWarmDev,
                        EvaluationTask::kJoint),
                    .resolved_flags = resolved_flags};
  TrainingLoop loop(recommender, step, dataset, plan, training, std::move(inputs));
  StageResult result = loop.Run();
  result.text += Format("trained parameters: %s\n", WithThousands(step.trained_parameters()).c_str());
  return result;
}

}  // namespace ppr::train
