#include "train/training_step.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/errors.h"
#include "base/stop_request.h"
#include "base/text_format.h"
#include "train/one_pass.h"
#include "train/sequence_objective.h"

namespace ppr::train {
namespace {

// What packing a rank's share of a batch of so many targets costs a thread, in multiply-adds of the kernels:
// some 110 ns a target at 90 multiply-adds a ns. Of the batch that is trained, not of the one that is packed,
// so that sums do not depend on what comes next.
int64_t PackingWork(int64_t targets) { return targets * 10'000; }

bool AllFinite(const at::Tensor& tensor) { return std::isfinite(tensor.sum().item<double>()); }

}  // namespace

TrainingStep::TrainingStep(recommender::ShardedModel& model, Objective& objective, const StepRules& rules)
    : model_(model),
      objective_(objective),
      rules_(rules),
      dense_optimiser_(optim::EntryOf(rules.optimiser.kind).make_dense(rules.optimiser, model.parameters())),
      one_pass_(objective.one_pass()) {
  model::DenseParameters& parameters = model_.parameters();
  if (rules_.train_pretrained) {
    const at::Tensor& rows = model_.table().rows;
    row_optimiser_ = optim::EntryOf(rules_.optimiser.kind)
                         .make_rows(rules_.optimiser, rules_.row_rate.value_or(rules_.pretrained_rate),
                                    rows.size(0), rows.size(1));
  } else {
    parameters.Freeze(model::ParameterGroup::kPretrained);
    for (const model::DenseParameter& parameter : parameters.parameters()) {
      if (parameter.group == model::ParameterGroup::kPretrained)
        first_trained_ = parameter.offset + parameter.numel;
    }
  }
}

int64_t TrainingStep::trained_parameters() const {
  const int64_t dense = model_.parameters().numel() - first_trained_;
  return dense + (row_optimiser_ ? model_.table().owners.num_items() * model_.width() : 0);
}

TrainingStep::PendingBatch TrainingStep::Begin(const Upcoming& upcoming) {
  PendingBatch pending{.batch = {.epoch = upcoming.epoch,
                                 .step = upcoming.step,
                                 .global_users = static_cast<int64_t>(upcoming.sequences.size())},
                       .plan = {}};
  Batch& batch = pending.batch;
  batch.global_targets = objective_.NumTargets(upcoming);
  batch.share = objective_.Pack(upcoming);
  pending.plan = model_.exchange().BeginPlan(batch.share->ids, &batch.row_of_id);
  if (one_pass_ != nullptr && row_optimiser_) {
    batch.occurrences =
        model::RowOccurrences(batch.row_of_id.data(), static_cast<int64_t>(batch.row_of_id.size()),
                              static_cast<int64_t>(pending.plan.plan.ids.size()));
  }
  return pending;
}

TrainingStep::Batch TrainingStep::Finish(PendingBatch pending) {
  times_.Enter(StepPhase::kData);
  pending.batch.plan = model_.exchange().FinishPlan(std::move(pending.plan));
  return std::move(pending.batch);
}

Objective::Losses TrainingStep::ComputeByAutograd(const Batch& batch, const at::Tensor& rows,
                                                  RowGradients* row_gradients) {
  at::Tensor shard;  // shares the table's memory
  if (objective_.reads_whole_table())
    shard = model_.table().rows.detach().requires_grad_(row_optimiser_ != nullptr);
  Objective::Losses losses = objective_.Compute({.step = batch.step,
                                                 .global_users = batch.global_users,
                                                 .global_targets = batch.global_targets,
                                                 .share = *batch.share,
                                                 .rows = rows,
                                                 .row_of_id = batch.row_of_id,
                                                 .shard = shard});
  if (losses.total.requires_grad()) losses.total.backward();
  if (!row_optimiser_) return losses;
  row_gradients->fetched = rows.grad().defined() ? rows.grad() : at::zeros_like(rows);
  losses.finite = losses.finite && AllFinite(row_gradients->fetched);
  if (shard.defined()) {
    row_gradients->shard = shard.grad().defined() ? shard.grad() : at::zeros_like(shard);
    losses.finite = losses.finite && AllFinite(row_gradients->shard);
  }
  return losses;
}

Objective::Losses TrainingStep::ComputeGradients(const Batch& batch, const at::Tensor& rows,
                                                 const model::SideWork& meanwhile,
                                                 RowGradients* row_gradients) {
  model_.parameters().ZeroGradients();
  Objective::Losses losses;
  if (one_pass_ != nullptr) {
    PointAtRows(batch.plan, rows);
    const recommender::PackedBatch& packed = static_cast<const PackedShare&>(*batch.share).packed;
    const OnePass::Result result = one_pass_->Run(packed, row_pointers_, batch.row_of_id, batch.occurrences,
                                                  batch.global_targets, meanwhile);
    losses = {.total = {}, .loss_sum = result.loss_sum, .auxiliary_sum = 0, .finite = result.finite};
  } else {
    if (meanwhile.run) meanwhile.run();
    losses = ComputeByAutograd(batch, rows, row_gradients);
  }
  losses.finite = losses.finite && AllFinite(model_.parameters().gradients());
  return losses;
}

StepResult TrainingStep::Agree(const Objective::Losses& losses, const Batch& batch) {
  at::Tensor sums = at::tensor(
      {losses.loss_sum, losses.auxiliary_sum, StopRequested() != 0 ? 1.0 : 0.0, losses.finite ? 0.0 : 1.0},
      at::kDouble);
  model_.communicator().AllReduce(sums);
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
  const at::Tensor& table = model_.table().rows;
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
  if (!row_optimiser_) return {};
  if (one_pass_ == nullptr) {
    times_.Enter(StepPhase::kExchange);
    return model_.exchange().ReturnGradients(batch.plan, row_gradients);
  }
  times_.Enter(StepPhase::kTable);
  const at::Tensor of_others = one_pass_->RowGradientsWithout(batch.plan.own_first, batch.plan.own_count);
  times_.Enter(StepPhase::kExchange);
  return model_.exchange().ReturnToOthers(batch.plan, of_others);
}

void TrainingStep::CatchUp(const Batch& batch) {
  if (!row_optimiser_) return;
  if (objective_.reads_whole_table()) return CatchUpRows(batch.step - 1);
  row_optimiser_->CatchUp(model_.table().rows, batch.plan.touched_slots, batch.step - 1);
}

StepResult TrainingStep::Run(int64_t epoch, int64_t step, std::span<const data::TrainingSequence> sequences,
                             const Upcoming* next) {
  dist::Communicator& communicator = model_.communicator();
  communicator.set_phase("step " + std::to_string(step));
  times_.Enter(StepPhase::kData);
  if (!prepared_ || prepared_->epoch != epoch || prepared_->step != step)
    prepared_ = Finish(Begin({epoch, step, sequences}));
  PPR_BUG_IF_NOT(prepared_->global_users == static_cast<int64_t>(sequences.size()) &&
                     prepared_->global_targets == objective_.NumTargets({epoch, step, sequences}),
                 Format("step %lld got other sequences than were announced", static_cast<long long>(step)));
  const Batch batch = std::move(*prepared_);
  prepared_.reset();

  times_.Enter(StepPhase::kGather);
  CatchUp(batch);
  const at::Tensor& table = model_.table().rows;
  dist::PendingRows fetching = one_pass_ != nullptr ? model_.exchange().BeginFetchOthers(batch.plan, table)
                                                    : model_.exchange().BeginFetch(batch.plan, table);
  std::optional<PendingBatch> upcoming;
  if (next != nullptr && at::get_num_threads() == 1) {  // while the rows travel
    times_.Enter(StepPhase::kData);
    upcoming = Begin(*next);
  }
  times_.Enter(StepPhase::kGather);
  fetching.Wait();
  const at::Tensor rows = fetching.rows;
  if (one_pass_ == nullptr) rows.requires_grad_(row_optimiser_ != nullptr);

  times_.Enter(StepPhase::kCompute);
  model::SideWork meanwhile{.run = {},
                            .multiply_adds = PackingWork(batch.global_targets / communicator.size())};
  if (next != nullptr && !upcoming) meanwhile.run = [&] { upcoming = Begin(*next); };
  RowGradients row_gradients;
  const Objective::Losses losses = ComputeGradients(batch, rows, meanwhile, &row_gradients);

  times_.Enter(StepPhase::kReduce);
  const at::Tensor dense =
      model_.parameters().gradients().narrow(0, first_trained_, model_.parameters().numel() - first_trained_);
  const std::unique_ptr<dist::Work> reducing = communicator.AllReduceAsync(dense, dist::ReduceOp::kSum);
  if (upcoming) model_.exchange().PostSlots(upcoming->plan);
  row_gradients.fetched = ExchangeRowGradients(batch, row_gradients.fetched);
  times_.Enter(StepPhase::kReduce);
  reducing->Wait();
  const StepResult result = Agree(losses, batch);
  times_.Enter(StepPhase::kTable);
  Optimise(batch, row_gradients);
  if (upcoming) prepared_ = Finish(std::move(*upcoming));
  times_.Enter(StepPhase::kOther);
  return result;
}

void TrainingStep::Optimise(const Batch& batch, const RowGradients& gradients) {
  dense_optimiser_->Step(model_.parameters(), batch.step, rules_.pretrained_rate, rules_.new_rate);
  if (!row_optimiser_) return;
  const at::Tensor& rows = model_.table().rows;
  const at::Tensor& touched = batch.plan.touched_slots;
  if (one_pass_ != nullptr) {
    OptimiseOnePass(batch, gradients.fetched);
  } else if (objective_.reads_whole_table()) {
    gradients.shard.index_add_(0, touched, gradients.fetched);
    row_optimiser_->Update(rows, at::arange(rows.size(0), at::kLong), gradients.shard, batch.step);
  } else {
    row_optimiser_->Update(rows, touched, gradients.fetched, batch.step);
  }
}

void TrainingStep::OptimiseOnePass(const Batch& batch, const at::Tensor& row_gradients) {
  const at::Tensor& rows = model_.table().rows;
  const dist::ExchangePlan& plan = batch.plan;
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
  row_optimiser_->Update(rows, plan.touched_slots, optim::RowGradient(sum), batch.step);
}

void TrainingStep::AppendState(checkpoint::TrainingState* state) const {
  dense_optimiser_->AppendState(model_.parameters(), state);
  if (row_optimiser_) row_optimiser_->AppendState(state);
}

void TrainingStep::CatchUpRows(int64_t step) {
  if (row_optimiser_) row_optimiser_->CatchUpAll(model_.table().rows, step);
}

}  // namespace ppr::train
