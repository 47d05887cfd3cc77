#include "train/sequence_objective.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/errors.h"
#include "model/catalogue_softmax_loss.h"
#include "model/losses.h"
#include "model/nt_xent_loss.h"

namespace ppr::train {
namespace {

std::vector<recommender::View> AugmentedViews(const StepRules& rules) {
  PPR_BUG_IF_NOT(rules.contrastive.weight == 0 || rules.augmentation.weight == 0,
                 "two contrastive losses at once");
  if (rules.augmentation.weight > 0)
    return {recommender::View::kFirstOfPair, recommender::View::kSecondOfPair};
  if (rules.contrastive.weight == 0) return {};
  switch (rules.contrastive.views) {
    case ContrastiveViews::kPrompt:
      return {recommender::View::kMaskedProfile};
    case ContrastiveViews::kBehaviour:
      return {recommender::View::kAugmentedClicks};
    case ContrastiveViews::kBoth:
      return {recommender::View::kMaskedProfile, recommender::View::kAugmentedClicks};
  }
  return {};
}

// Everything the batch reads from the table: tokens, then positives, then negatives, own or shared.
std::vector<int64_t> NeededIds(const recommender::PackedBatch& packed, bool reads_positives) {
  std::vector<int64_t> ids;
  ids.reserve(packed.token_items.size() + packed.positives.size() + packed.negatives.size());
  for (const int64_t item : packed.token_items) {
    if (item > 0) ids.push_back(item);
  }
  if (!reads_positives) return ids;
  ids.insert(ids.end(), packed.positives.begin(), packed.positives.end());
  ids.insert(ids.end(), packed.negatives.begin(), packed.negatives.end());
  ids.insert(ids.end(), packed.shared_negatives.begin(), packed.shared_negatives.end());
  return ids;
}

// One view's next-item losses over single targets have a fused way.
std::unique_ptr<FusedNextItemPass> FusedPassOf(recommender::Recommender& recommender,
                                               const data::Dataset& dataset, const StepRules& rules,
                                               const std::vector<recommender::View>& augmented) {
  const bool next_item = recommender.classifier() == nullptr &&
                         !model::FactsOf(rules.loss).reads_whole_table && augmented.empty();
  if (recommender.fused() == nullptr || !next_item) return nullptr;
  return std::make_unique<FusedNextItemPass>(recommender, dataset, rules);
}

}  // namespace

SequenceObjective::SequenceObjective(recommender::Recommender& recommender, const data::Dataset& dataset,
                                     const data::NegativeSampler& negatives, const StepRules& rules,
                                     int64_t profile_column)
    : recommender_(recommender),
      dataset_(dataset),
      negatives_(negatives),
      rules_(rules),
      loss_(LossOf(rules, dataset.num_items())),
      profile_column_(profile_column),
      augmented_(AugmentedViews(rules)),
      fused_(FusedPassOf(recommender, dataset, rules_, augmented_)) {
  PPR_BUG_IF_NOT(!predicts_profile() || profile_column >= 0, "which profile value is predicted is not said");
}

bool SequenceObjective::reads_whole_table() const {
  return !predicts_profile() && model::FactsOf(rules_.loss).reads_whole_table;
}

// Masked-item training hides clicks where they are; everything else of a bidirectional encoder is read at a
// mask after the last one.
recommender::PackingRules SequenceObjective::PackingOf(const GlobalBatch& batch) const {
  recommender::PackingRules packing = recommender_.packing(rules_.seed);
  if (!batch.sequences.empty() && hides_clicks(batch.sequences.front())) packing.mask_at_end = false;
  return packing;
}

int64_t SequenceObjective::prefix_tokens() const {
  return recommender_.prompt_tokens() + (recommender_.packing().mask_at_end ? 1 : 0);
}

int64_t SequenceObjective::NumTargets(const GlobalBatch& batch) const {
  if (predicts_profile()) return static_cast<int64_t>(batch.sequences.size());
  int64_t targets = 0;
  for (const data::TrainingSequence& sequence : batch.sequences) {
    if (!hides_clicks(sequence)) {
      targets += sequence.num_targets();
      continue;
    }
    const std::vector<bool> hidden =
        recommender::HiddenClicksOf(rules_.seed, batch.epoch, sequence, rules_.masked);
    targets += std::count(hidden.begin(), hidden.end(), true);
  }
  return targets;
}

std::unique_ptr<GradientPass> SequenceObjective::Pack(const GlobalBatch& batch, bool trains_rows) {
  const recommender::PackingRules packing = PackingOf(batch);
  const bool draws = !predicts_profile() && !reads_whole_table();
  const recommender::TrainingPack pack{
      .epoch = batch.epoch,
      .step = batch.step,
      .negatives = draws ? rules_.negatives : 0,
      .negative_sharing = rules_.negative_sharing,
      .augmented = augmented_,
      .behaviour = rules_.contrastive.behaviour,
      .behaviour_mask_ratio = rules_.contrastive.behaviour_mask_ratio,
      .pair = rules_.augmentation,
      .hides_clicks = !batch.sequences.empty() && hides_clicks(batch.sequences.front()),
      .masked = rules_.masked};
  const std::vector<data::TrainingSequence> mine = DealtTo(recommender_.communicator(), batch);
  recommender::PackedBatch packed = recommender::PackForTraining(dataset_, packing, pack, mine, negatives_);
  std::vector<int64_t> ids = NeededIds(packed, draws);
  if (fused_) return fused_->Take(std::move(packed), std::move(ids));
  return std::make_unique<AutogradPass>(
      recommender_, std::move(ids),
      AutogradPass::Rows{.trained = trains_rows, .whole_table = reads_whole_table()},
      [this, packed = std::move(packed)](const AutogradPass::Inputs& inputs) {
        return Forward(packed, inputs);
      });
}

at::Tensor SequenceObjective::ContrastiveSum(const recommender::PackedBatch& packed,
                                             const recommender::Recommender::Encoded& encoded) const {
  dist::Communicator& communicator = recommender_.communicator();
  if (rules_.augmentation.weight > 0) {
    // A mean over both views' losses, so that a sequence counts once.
    return model::NtXentLossSum(communicator, recommender_.LastOutputs(packed, encoded, 1),
                                recommender_.LastOutputs(packed, encoded, 2), rules_.augmentation.temperature,
                                model::Similarity::kDot) /
           2;
  }
  const model::PromptModel& prompt = *recommender_.prompt();
  const at::Tensor originals = prompt.Project(recommender_.LastOutputs(packed, encoded, 0));
  at::Tensor sum;
  for (size_t view = 1; view <= augmented_.size(); ++view) {
    const at::Tensor views =
        prompt.Project(recommender_.LastOutputs(packed, encoded, static_cast<int64_t>(view)));
    const at::Tensor loss =
        model::ContrastiveLossSum(communicator, originals, views, rules_.contrastive.temperature);
    sum = sum.defined() ? sum + loss : loss;
  }
  return sum;
}

at::Tensor SequenceObjective::NextItemSum(const AutogradPass::Inputs& inputs,
                                          const recommender::PackedBatch& packed,
                                          const at::Tensor& users) const {
  const int64_t count = packed.num_targets();
  const bool shares = rules_.negative_sharing == recommender::NegativeSharing::kBatch;
  const int64_t negatives = shares ? rules_.negatives : count * rules_.negatives;
  const at::ArrayRef<int64_t> ids(inputs.row_of_id);
  const at::Tensor of_targets =
      at::tensor(ids.slice(ids.size() - static_cast<size_t>(count + negatives)), at::kLong);
  const at::Tensor of_positives = of_targets.narrow(0, 0, count);
  const at::Tensor of_negatives = of_targets.narrow(0, count, negatives);
  if (!shares) {
    return model::NextItemLossSum(loss_, users, inputs.rows, of_positives,
                                  of_negatives.view({count, rules_.negatives}));
  }
  at::Tensor counts = at::ones({packed.num_users, negatives}, users.options());
  for (int64_t s = 0; s < packed.num_users; ++s) {
    const auto at = static_cast<size_t>(s);
    for (int64_t i = packed.clicked_offsets[at]; i < packed.clicked_offsets[at + 1]; ++i)
      counts[s][packed.clicked_negatives[static_cast<size_t>(i)]] = 0;
  }
  return model::SharedNegativeLossSum(loss_, users, inputs.rows, of_positives, of_negatives,
                                      counts.index_select(0, at::tensor(packed.target_sequence, at::kLong)));
}

at::Tensor SequenceObjective::ProfileSum(const recommender::PackedBatch& packed,
                                         const at::Tensor& users) const {
  std::vector<int64_t> labels;
  for (const int32_t user : packed.users) {
    const int32_t code = dataset_.profile(user)[static_cast<size_t>(profile_column_)];
    PPR_BUG_IF_NOT(code > 0, "a user without the value to predict is trained on");
    labels.push_back(code - 1);
  }
  return recommender_.classifier()->LossSum(users, at::tensor(labels, at::kLong));
}

at::Tensor SequenceObjective::MainSum(const AutogradPass::Inputs& inputs,
                                      const recommender::PackedBatch& packed, const at::Tensor& users) const {
  if (predicts_profile()) return ProfileSum(packed, users);
  if (!reads_whole_table()) return NextItemSum(inputs, packed, users);
  return model::CatalogueSoftmaxLossSum(recommender_.communicator(), recommender_.table().owners, users,
                                        at::tensor(packed.positives, at::kLong), inputs.shard);
}

AutogradPass::Loss SequenceObjective::Forward(const recommender::PackedBatch& packed,
                                              const AutogradPass::Inputs& inputs) const {
  const recommender::Recommender::ProfileParts parts =
      recommender_.MakeProfileParts(packed, dataset_, augmented_, at::tensor(packed.profile_keys, at::kLong),
                                    rules_.contrastive.profile_mask_ratio);
  const recommender::Recommender::Encoded encoded = recommender_.Encode(
      packed, inputs.rows, inputs.row_of_id, parts, {.active = recommender_.encoder().config().dropout > 0});
  const at::Tensor users = recommender_.TargetUsers(packed, encoded);
  const at::Tensor loss = MainSum(inputs, packed, users);
  AutogradPass::Loss losses{.total = loss / static_cast<double>(inputs.counts.global_targets),
                            .loss_sum = loss.item<double>()};
  if (!augmented_.empty()) {
    const at::Tensor contrastive = ContrastiveSum(packed, encoded);
    losses.auxiliary_sum = contrastive.item<double>();
    losses.total =
        losses.total + contrastive * (contrastive_weight() / static_cast<double>(inputs.counts.global_users));
  }
  return losses;
}

}  // namespace ppr::train
