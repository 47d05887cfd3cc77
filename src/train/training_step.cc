#include "train/training_step.h"

#include <ATen/ATen.h>

#include <cmath>

#include "base/errors.h"
#include "base/random.h"
#include "base/stop_request.h"
#include "base/text_format.h"
#include "model/losses.h"

namespace ppr::train {
namespace {

std::vector<View> AugmentedViews(const ContrastiveConfig& contrastive) {
  if (contrastive.weight == 0) return {};
  switch (contrastive.views) {
    case ContrastiveViews::kPrompt:
      return {View::kMaskedProfile};
    case ContrastiveViews::kBehaviour:
      return {View::kAugmentedClicks};
    case ContrastiveViews::kBoth:
      return {View::kMaskedProfile, View::kAugmentedClicks};
  }
  return {};
}

// Everything the batch reads from the table: tokens, then positives, then negatives.
std::vector<int64_t> NeededIds(const PackedBatch& packed) {
  std::vector<int64_t> ids;
  ids.reserve(packed.token_items.size() + packed.positives.size() + packed.negatives.size());
  for (const int64_t item : packed.token_items) {
    if (item > 0) ids.push_back(item);
  }
  ids.insert(ids.end(), packed.positives.begin(), packed.positives.end());
  ids.insert(ids.end(), packed.negatives.begin(), packed.negatives.end());
  return ids;
}

// One random key a user for the element mask of 3.5.1: [num_users] int64.
at::Tensor ProfileMaskKeys(const PackedBatch& packed, uint64_t seed, int64_t step) {
  const RandomKey key = MakeRandomKey(seed, RandomSite::kProfileMask).With(static_cast<uint64_t>(step));
  std::vector<int64_t> keys;
  for (const int32_t user : packed.users)
    keys.push_back(static_cast<int64_t>(key.Bits(static_cast<uint64_t>(user))));
  return at::tensor(keys, at::kLong);
}

bool AllFinite(const at::Tensor& tensor) { return std::isfinite(tensor.sum(at::kDouble).item<double>()); }

}  // namespace

TrainingStep::TrainingStep(Recommender& recommender, const data::Dataset& dataset,
                           const data::NegativeSampler& negatives, const StepRules& rules)
    : recommender_(recommender),
      dataset_(dataset),
      negatives_(negatives),
      rules_(rules),
      augmented_(AugmentedViews(rules.contrastive)),
      dense_adam_(rules.adam, recommender.parameters()) {
  model::DenseParameters& parameters = recommender_.parameters();
  if (rules_.train_pretrained) {
    const at::Tensor& rows = recommender_.table().rows;
    row_adam_.emplace(rules_.adam, rules_.pretrained_rate, rows.size(0), rows.size(1));
  } else {
    parameters.Freeze(model::ParameterGroup::kPretrained);
    for (const model::DenseParameter& parameter : parameters.parameters()) {
      if (parameter.group == model::ParameterGroup::kPretrained)
        first_trained_ = parameter.offset + parameter.numel;
    }
  }
}

int64_t TrainingStep::trained_parameters() const {
  const int64_t dense = recommender_.parameters().numel() - first_trained_;
  return dense +
         (row_adam_ ? recommender_.table().owners.num_items() * recommender_.encoder().config().width : 0);
}

PackedBatch TrainingStep::Pack(int64_t epoch, int64_t step,
                               std::span<const data::TrainingSequence> batch) const {
  const dist::Communicator& communicator = recommender_.communicator();
  const model::EncoderConfig& encoder = recommender_.encoder().config();
  const PackingRules packing{.max_history = encoder.max_history,
                             .position_origin = encoder.position_origin,
                             .prompt_tokens = recommender_.prompt_tokens(),
                             .seed = rules_.seed};
  const TrainingPack pack{.epoch = epoch,
                          .step = step,
                          .negatives = rules_.negatives,
                          .augmented = augmented_,
                          .behaviour = rules_.contrastive.behaviour,
                          .behaviour_mask_ratio = rules_.contrastive.behaviour_mask_ratio};
  std::vector<data::TrainingSequence> mine;
  for (const int64_t index :
       data::DealByTokens(batch, packing.prompt_tokens, communicator.size(), communicator.rank())) {
    mine.push_back(batch[static_cast<size_t>(index)]);
  }
  return PackForTraining(dataset_, packing, pack, mine, negatives_);
}

at::Tensor TrainingStep::ContrastiveSum(const PackedBatch& packed, const Recommender::Encoded& encoded) {
  const model::PromptModel& prompt = *recommender_.prompt();
  const at::Tensor originals = prompt.Project(recommender_.LastOutputs(packed, encoded, 0));
  at::Tensor sum;
  for (size_t view = 1; view <= augmented_.size(); ++view) {
    const at::Tensor views =
        prompt.Project(recommender_.LastOutputs(packed, encoded, static_cast<int64_t>(view)));
    const at::Tensor loss = model::ContrastiveLossSum(recommender_.communicator(), originals, views,
                                                      rules_.contrastive.temperature);
    sum = sum.defined() ? sum + loss : loss;
  }
  return sum;
}

TrainingStep::Losses TrainingStep::ComputeLosses(const PackedBatch& packed, const at::Tensor& rows,
                                                 const std::vector<int64_t>& row_of_id, int64_t step,
                                                 const Shared& shared) {
  std::vector<int64_t> row_of_token(packed.token_items.size(), -1);
  size_t next = 0;
  for (size_t t = 0; t < row_of_token.size(); ++t) {
    if (packed.token_items[t] > 0) row_of_token[t] = row_of_id[next++];
  }
  const at::Tensor target_rows = at::tensor(at::ArrayRef<int64_t>(row_of_id).slice(next), at::kLong);
  const int64_t count = packed.num_targets();
  const at::Tensor positives = target_rows.narrow(0, 0, count);
  const at::Tensor negatives =
      target_rows.narrow(0, count, count * rules_.negatives).view({count, rules_.negatives});

  const Recommender::Encoded encoded = recommender_.Encode(packed, dataset_, rows, row_of_token, augmented_,
                                                           ProfileMaskKeys(packed, rules_.seed, step),
                                                           rules_.contrastive.profile_mask_ratio, true);
  const at::Tensor users = recommender_.TargetUsers(packed, encoded);
  const at::Tensor loss = model::NextItemLossSum(rules_.loss, users, rows, positives, negatives);
  Losses losses{.total = loss / static_cast<double>(shared.targets), .loss_sum = loss.item<double>()};
  if (!augmented_.empty()) {
    const at::Tensor contrastive = ContrastiveSum(packed, encoded);
    losses.contrastive_sum = contrastive.item<double>();
    losses.total =
        losses.total + contrastive * (rules_.contrastive.weight / static_cast<double>(shared.users));
  }
  return losses;
}

StepResult TrainingStep::Agree(const Losses& losses, bool gradients_finite, const Shared& shared,
                               int64_t step) {
  at::Tensor sums = at::tensor({losses.loss_sum, losses.contrastive_sum, StopRequested() != 0 ? 1.0 : 0.0,
                                gradients_finite ? 0.0 : 1.0},
                               at::kDouble);
  recommender_.communicator().AllReduce(sums);
  const double* sum = sums.const_data_ptr<double>();
  if (!std::isfinite(sum[0] + sum[1]) || sum[3] > 0) {
    throw DoNotRestartError(
        Format("step %lld: the loss or a gradient is not finite (loss sum %g, contrastive sum %g, ranks with "
               "bad gradients %g); nothing was updated. Lower the learning rate or look at the data",
               static_cast<long long>(step), sum[0], sum[1], sum[3]));
  }
  return {.loss = sum[0] / static_cast<double>(shared.targets),
          .contrastive = sum[1] / static_cast<double>(shared.users),
          .targets = shared.targets,
          .stop_requested = sum[2] > 0};
}

StepResult TrainingStep::Run(int64_t epoch, int64_t step, std::span<const data::TrainingSequence> batch) {
  dist::Communicator& communicator = recommender_.communicator();
  communicator.set_phase("step " + std::to_string(step));
  model::DenseParameters& parameters = recommender_.parameters();
  Shared shared{.users = static_cast<int64_t>(batch.size())};
  for (const data::TrainingSequence& sequence : batch) shared.targets += sequence.num_targets();

  const PackedBatch packed = Pack(epoch, step, batch);
  std::vector<int64_t> row_of_id;
  const dist::ExchangePlan plan = recommender_.exchange().MakePlan(NeededIds(packed), &row_of_id);
  if (row_adam_) row_adam_->CatchUp(recommender_.table().rows, plan.touched_slots, step - 1);
  const at::Tensor rows = recommender_.exchange().Fetch(plan, recommender_.table().rows).detach();
  rows.requires_grad_(row_adam_.has_value());

  parameters.ZeroGradients();
  const Losses losses = ComputeLosses(packed, rows, row_of_id, step, shared);
  losses.total.backward();

  const at::Tensor dense =
      parameters.gradients().narrow(0, first_trained_, parameters.numel() - first_trained_);
  const std::unique_ptr<dist::Work> reducing = communicator.AllReduceAsync(dense, dist::ReduceOp::kSum);
  at::Tensor row_gradients;
  if (row_adam_) {
    const at::Tensor local = rows.grad().defined() ? rows.grad() : at::zeros_like(rows);
    row_gradients = recommender_.exchange().ReturnGradients(plan, local);
  }
  reducing->Wait();
  const bool finite = AllFinite(dense) && (!row_gradients.defined() || AllFinite(row_gradients));
  const StepResult result = Agree(losses, finite, shared, step);
  Optimise(plan, row_gradients, step);
  return result;
}

void TrainingStep::Optimise(const dist::ExchangePlan& plan, const at::Tensor& row_gradients, int64_t step) {
  dense_adam_.Step(recommender_.parameters(), step, rules_.pretrained_rate, rules_.new_rate);
  if (row_adam_) row_adam_->Update(recommender_.table().rows, plan.touched_slots, row_gradients, step);
}

void TrainingStep::CatchUpRows(int64_t step) {
  if (row_adam_) row_adam_->CatchUpAll(recommender_.table().rows, step);
}

}  // namespace ppr::train
