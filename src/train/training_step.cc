#include "train/training_step.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/errors.h"
#include "base/random.h"
#include "base/stop_request.h"
#include "base/text_format.h"
#include "model/losses.h"
#include "train/one_pass.h"

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

// Everything the batch reads from the table: tokens, then positives, then negatives, own or shared.
std::vector<int64_t> NeededIds(const PackedBatch& packed) {
  std::vector<int64_t> ids;
  ids.reserve(packed.token_items.size() + packed.positives.size() + packed.negatives.size());
  for (const int64_t item : packed.token_items) {
    if (item > 0) ids.push_back(item);
  }
  ids.insert(ids.end(), packed.positives.begin(), packed.positives.end());
  ids.insert(ids.end(), packed.negatives.begin(), packed.negatives.end());
  ids.insert(ids.end(), packed.shared_negatives.begin(), packed.shared_negatives.end());
  return ids;
}

int64_t TargetsOf(std::span<const data::TrainingSequence> sequences) {
  int64_t targets = 0;
  for (const data::TrainingSequence& sequence : sequences) targets += sequence.num_targets();
  return targets;
}

// What packing a rank's share of a batch of so many targets costs a thread, in multiply-adds of the kernels:
// some 110 ns a target at 90 multiply-adds a ns. Of the batch that is trained, not of the one that is packed,
// so that sums do not depend on what comes next.
int64_t PackingWork(int64_t targets) { return targets * 10'000; }

// One random key a user for the element mask of 3.5.1: [num_users] int64.
at::Tensor ProfileMaskKeys(const PackedBatch& packed, uint64_t seed, int64_t step) {
  const RandomKey key = MakeRandomKey(seed, RandomSite::kProfileMask).With(static_cast<uint64_t>(step));
  std::vector<int64_t> keys;
  for (const int32_t user : packed.users)
    keys.push_back(static_cast<int64_t>(key.Bits(static_cast<uint64_t>(user))));
  return at::tensor(keys, at::kLong);
}

bool AllFinite(const at::Tensor& tensor) { return std::isfinite(tensor.sum().item<double>()); }

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
  if (recommender_.fused() != nullptr && augmented_.empty())
    one_pass_ = std::make_unique<OnePass>(recommender_, dataset_, rules_);
}

int64_t TrainingStep::trained_parameters() const {
  const int64_t dense = recommender_.parameters().numel() - first_trained_;
  return dense +
         (row_adam_ ? recommender_.table().owners.num_items() * recommender_.encoder().config().width : 0);
}

TrainingStep::~TrainingStep() = default;

PackedBatch TrainingStep::Pack(const Upcoming& upcoming) const {
  const dist::Communicator& communicator = recommender_.communicator();
  const model::EncoderConfig& encoder = recommender_.encoder().config();
  const PackingRules packing{.max_history = encoder.max_history,
                             .position_origin = encoder.position_origin,
                             .prompt_tokens = recommender_.prompt_tokens(),
                             .seed = rules_.seed};
  const TrainingPack pack{.epoch = upcoming.epoch,
                          .step = upcoming.step,
                          .negatives = rules_.negatives,
                          .negative_sharing = rules_.negative_sharing,
                          .augmented = augmented_,
                          .behaviour = rules_.contrastive.behaviour,
                          .behaviour_mask_ratio = rules_.contrastive.behaviour_mask_ratio};
  std::vector<data::TrainingSequence> mine;
  for (const int64_t index : data::DealByTokens(upcoming.sequences, packing.prompt_tokens,
                                                communicator.size(), communicator.rank())) {
    mine.push_back(upcoming.sequences[static_cast<size_t>(index)]);
  }
  return PackForTraining(dataset_, packing, pack, mine, negatives_);
}

TrainingStep::PendingBatch TrainingStep::Begin(const Upcoming& upcoming) {
  PendingBatch pending{.batch = {.epoch = upcoming.epoch,
                                 .step = upcoming.step,
                                 .global_users = static_cast<int64_t>(upcoming.sequences.size())},
                       .plan = {}};
  Batch& batch = pending.batch;
  batch.global_targets = TargetsOf(upcoming.sequences);
  batch.packed = Pack(upcoming);
  pending.plan = recommender_.exchange().BeginPlan(NeededIds(batch.packed), &batch.row_of_id);
  if (one_pass_ && row_adam_) {
    batch.occurrences =
        model::RowOccurrences(batch.row_of_id.data(), static_cast<int64_t>(batch.row_of_id.size()),
                              static_cast<int64_t>(pending.plan.plan.ids.size()));
  }
  return pending;
}

TrainingStep::Batch TrainingStep::Finish(PendingBatch pending) {
  times_.Enter(StepPhase::kData);
  pending.batch.plan = recommender_.exchange().FinishPlan(std::move(pending.plan));
  return std::move(pending.batch);
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

at::Tensor TrainingStep::NextItemSum(const Batch& batch, const at::Tensor& users,
                                     const at::Tensor& rows) const {
  const PackedBatch& packed = batch.packed;
  const int64_t count = packed.num_targets();
  const bool shares = rules_.negative_sharing == NegativeSharing::kBatch;
  const int64_t negatives = shares ? rules_.negatives : count * rules_.negatives;
  const at::ArrayRef<int64_t> ids(batch.row_of_id);
  const at::Tensor of_targets =
      at::tensor(ids.slice(ids.size() - static_cast<size_t>(count + negatives)), at::kLong);
  const at::Tensor of_positives = of_targets.narrow(0, 0, count);
  const at::Tensor of_negatives = of_targets.narrow(0, count, negatives);
  if (!shares) {
    return model::NextItemLossSum(rules_.loss, users, rows, of_positives,
                                  of_negatives.view({count, rules_.negatives}));
  }
  at::Tensor counts = at::ones({packed.num_users, negatives}, users.options());
  for (int64_t s = 0; s < packed.num_users; ++s) {
    const auto at = static_cast<size_t>(s);
    for (int64_t i = packed.clicked_offsets[at]; i < packed.clicked_offsets[at + 1]; ++i)
      counts[s][packed.clicked_negatives[static_cast<size_t>(i)]] = 0;
  }
  return model::SharedNegativeLossSum(rules_.loss, users, rows, of_positives, of_negatives,
                                      counts.index_select(0, at::tensor(packed.target_sequence, at::kLong)));
}

TrainingStep::Losses TrainingStep::ComputeByAutograd(const Batch& batch, const at::Tensor& rows) {
  const PackedBatch& packed = batch.packed;
  const Recommender::ProfileParts parts = recommender_.MakeProfileParts(
      packed, dataset_, augmented_, ProfileMaskKeys(packed, rules_.seed, batch.step),
      rules_.contrastive.profile_mask_ratio);
  const Recommender::Encoded encoded = recommender_.Encode(
      packed, rows, batch.row_of_id, parts, {.active = recommender_.encoder().config().dropout > 0});
  const at::Tensor users = recommender_.TargetUsers(packed, encoded);
  const at::Tensor loss = NextItemSum(batch, users, rows);
  Losses losses{.total = loss / static_cast<double>(batch.global_targets), .loss_sum = loss.item<double>()};
  if (!augmented_.empty()) {
    const at::Tensor contrastive = ContrastiveSum(packed, encoded);
    losses.contrastive_sum = contrastive.item<double>();
    losses.total =
        losses.total + contrastive * (rules_.contrastive.weight / static_cast<double>(batch.global_users));
  }
  return losses;
}

TrainingStep::Losses TrainingStep::ComputeGradients(const Batch& batch, const at::Tensor& rows,
                                                    const model::SideWork& meanwhile,
                                                    at::Tensor* row_gradients) {
  recommender_.parameters().ZeroGradients();
  Losses losses;
  if (one_pass_) {
    PointAtRows(batch.plan, rows);
    const OnePass::Result result = one_pass_->Run(batch.packed, row_pointers_, batch.row_of_id,
                                                  batch.occurrences, batch.global_targets, meanwhile);
    losses = {.total = {}, .loss_sum = result.loss_sum, .contrastive_sum = 0, .finite = result.finite};
  } else {
    if (meanwhile.run) meanwhile.run();
    losses = ComputeByAutograd(batch, rows);
    losses.total.backward();
    if (row_adam_) {
      *row_gradients = rows.grad().defined() ? rows.grad() : at::zeros_like(rows);
      losses.finite = AllFinite(*row_gradients);
    }
  }
  losses.finite = losses.finite && AllFinite(recommender_.parameters().gradients());
  return losses;
}

StepResult TrainingStep::Agree(const Losses& losses, const Batch& batch) {
  at::Tensor sums = at::tensor(
      {losses.loss_sum, losses.contrastive_sum, StopRequested() != 0 ? 1.0 : 0.0, losses.finite ? 0.0 : 1.0},
      at::kDouble);
  recommender_.communicator().AllReduce(sums);
  const double* sum = sums.const_data_ptr<double>();
  if (!std::isfinite(sum[0] + sum[1]) || sum[3] > 0) {
    throw DoNotRestartError(
        Format("step %lld: the loss or a gradient is not finite (loss sum %g, contrastive sum %g, ranks with "
               "bad gradients %g); nothing was updated. Lower the learning rate or look at the data",
               static_cast<long long>(batch.step), sum[0], sum[1], sum[3]));
  }
  return {.loss = sum[0] / static_cast<double>(batch.global_targets),
          .contrastive = sum[1] / static_cast<double>(batch.global_users),
          .targets = batch.global_targets,
          .stop_requested = sum[2] > 0};
}

// Own rows are read where they are kept, the others' were brought here.
void TrainingStep::PointAtRows(const dist::ExchangePlan& plan, const at::Tensor& others) {
  const at::Tensor& table = recommender_.table().rows;
  const int64_t width = table.size(1);
  const int64_t* const own_slots = plan.asked_slots.const_data_ptr<int64_t>() + plan.own_asked_first;
  row_pointers_.resize(plan.ids.size());
  for (int64_t i = 0; i < static_cast<int64_t>(plan.ids.size()); ++i) {
    row_pointers_[static_cast<size_t>(i)] =
        plan.IsOwn(i) ? table.const_data_ptr<float>() + own_slots[i - plan.own_first] * width
                      : others.const_data_ptr<float>() + plan.AmongOthers(i) * width;
  }
}

at::Tensor TrainingStep::ExchangeRowGradients(const Batch& batch, const at::Tensor& row_gradients) {
  if (!row_adam_) return {};
  if (!one_pass_) {
    times_.Enter(StepPhase::kExchange);
    return recommender_.exchange().ReturnGradients(batch.plan, row_gradients);
  }
  times_.Enter(StepPhase::kTable);
  const at::Tensor of_others = one_pass_->RowGradientsWithout(batch.plan.own_first, batch.plan.own_count);
  times_.Enter(StepPhase::kExchange);
  return recommender_.exchange().ReturnToOthers(batch.plan, of_others);
}

StepResult TrainingStep::Run(int64_t epoch, int64_t step, std::span<const data::TrainingSequence> sequences,
                             const Upcoming* next) {
  dist::Communicator& communicator = recommender_.communicator();
  communicator.set_phase("step " + std::to_string(step));
  times_.Enter(StepPhase::kData);
  if (!prepared_ || prepared_->epoch != epoch || prepared_->step != step)
    prepared_ = Finish(Begin({epoch, step, sequences}));
  PPR_BUG_IF_NOT(prepared_->global_users == static_cast<int64_t>(sequences.size()) &&
                     prepared_->global_targets == TargetsOf(sequences),
                 Format("step %lld got other sequences than were announced", static_cast<long long>(step)));
  const Batch batch = std::move(*prepared_);
  prepared_.reset();

  times_.Enter(StepPhase::kGather);
  if (row_adam_) row_adam_->CatchUp(recommender_.table().rows, batch.plan.touched_slots, step - 1);
  const at::Tensor& table = recommender_.table().rows;
  dist::PendingRows fetching = one_pass_ ? recommender_.exchange().BeginFetchOthers(batch.plan, table)
                                         : recommender_.exchange().BeginFetch(batch.plan, table);
  std::optional<PendingBatch> upcoming;
  if (next != nullptr && at::get_num_threads() == 1) {  // while the rows travel
    times_.Enter(StepPhase::kData);
    upcoming = Begin(*next);
  }
  times_.Enter(StepPhase::kGather);
  fetching.Wait();
  const at::Tensor rows = fetching.rows;
  if (!one_pass_) rows.requires_grad_(row_adam_.has_value());

  times_.Enter(StepPhase::kCompute);
  model::SideWork meanwhile{.run = {},
                            .multiply_adds = PackingWork(batch.global_targets / communicator.size())};
  if (next != nullptr && !upcoming) meanwhile.run = [&] { upcoming = Begin(*next); };
  at::Tensor row_gradients;
  const Losses losses = ComputeGradients(batch, rows, meanwhile, &row_gradients);

  times_.Enter(StepPhase::kReduce);
  const at::Tensor dense = recommender_.parameters().gradients().narrow(
      0, first_trained_, recommender_.parameters().numel() - first_trained_);
  const std::unique_ptr<dist::Work> reducing = communicator.AllReduceAsync(dense, dist::ReduceOp::kSum);
  if (upcoming) recommender_.exchange().PostSlots(upcoming->plan);
  row_gradients = ExchangeRowGradients(batch, row_gradients);
  times_.Enter(StepPhase::kReduce);
  reducing->Wait();
  const StepResult result = Agree(losses, batch);
  times_.Enter(StepPhase::kTable);
  Optimise(batch, row_gradients);
  if (upcoming) prepared_ = Finish(std::move(*upcoming));
  times_.Enter(StepPhase::kOther);
  return result;
}

void TrainingStep::Optimise(const Batch& batch, const at::Tensor& row_gradients) {
  dense_adam_.Step(recommender_.parameters(), batch.step, rules_.pretrained_rate, rules_.new_rate);
  if (!row_adam_) return;
  const at::Tensor& rows = recommender_.table().rows;
  const dist::ExchangePlan& plan = batch.plan;
  if (!one_pass_) {
    row_adam_->Update(rows, plan.touched_slots, row_gradients, batch.step);
    return;
  }
  // This rank's own part of a row's gradient, then what the others sent, in their order.
  const int64_t width = rows.size(1);
  const float* const received = row_gradients.const_data_ptr<float>();
  const auto sum = [&](int64_t g, float* gradient) {
    if (alone()) return one_pass_->RowGradient(g, gradient);
    const auto first = static_cast<size_t>(plan.touched_starts[static_cast<size_t>(g)]);
    const auto last = static_cast<size_t>(plan.touched_starts[static_cast<size_t>(g) + 1]);
    std::fill_n(gradient, width, 0.0F);
    for (size_t i = first; i < last; ++i) {
      const int64_t place = plan.touched_places[i];
      if (plan.IsOwnAsked(place))
        one_pass_->RowGradient(plan.own_first + place - plan.own_asked_first, gradient);
    }
    for (size_t i = first; i < last; ++i) {
      const int64_t place = plan.touched_places[i];
      if (plan.IsOwnAsked(place)) continue;
      const float* const part = received + plan.AskedAmongOthers(place) * width;
      for (int64_t c = 0; c < width; ++c) gradient[c] += part[c];
    }
  };
  row_adam_->Update(rows, plan.touched_slots, RowGradient(sum), batch.step);
}

void TrainingStep::CatchUpRows(int64_t step) {
  if (row_adam_) row_adam_->CatchUpAll(recommender_.table().rows, step);
}

}  // namespace ppr::train
