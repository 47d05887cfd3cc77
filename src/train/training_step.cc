#include "train/training_step.h"

#include <ATen/ATen.h>

#include <cmath>

#include "base/errors.h"
#include "base/stop_request.h"
#include "base/text_format.h"

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
      dense_optimiser_(optim::EntryOf(rules.optimiser.kind).make_dense(rules.optimiser, model.parameters())) {
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

TrainingStep::PendingBatch TrainingStep::Begin(const GlobalBatch& global) {
  PendingBatch pending{.batch = {.epoch = global.epoch,
                                 .counts = {.step = global.step,
                                            .global_users = static_cast<int64_t>(global.sequences.size()),
                                            .global_targets = objective_.NumTargets(global)},
                                 .pass = objective_.Pack(global, row_optimiser_ != nullptr),
                                 .plan = {}},
                       .plan = {}};
  GradientPass& pass = *pending.batch.pass;
  std::vector<int64_t> row_of_id;
  pending.plan = model_.exchange().BeginPlan(pass.ids(), &row_of_id);
  pass.PlaceIds(std::move(row_of_id), static_cast<int64_t>(pending.plan.plan.ids.size()));
  return pending;
}

TrainingStep::Batch TrainingStep::Finish(PendingBatch pending) {
  times_.Enter(StepPhase::kData);
  pending.batch.plan = model_.exchange().FinishPlan(std::move(pending.plan));
  return std::move(pending.batch);
}

StepResult TrainingStep::Agree(const BatchLosses& losses, const BatchCounts& counts) {
  at::Tensor sums = at::tensor(
      {losses.loss_sum, losses.auxiliary_sum, StopRequested() != 0 ? 1.0 : 0.0, losses.finite ? 0.0 : 1.0},
      at::kDouble);
  model_.communicator().AllReduce(sums);
  const double* sum = sums.const_data_ptr<double>();
  if (!std::isfinite(sum[0] + sum[1]) || sum[3] > 0) {
    throw DoNotRestartError(
        Format("step %lld: the loss or a gradient is not finite (loss sum %g, contrastive sum %g, ranks with "
               "bad gradients %g); nothing was updated. Lower the learning rate or look at the data",
               static_cast<long long>(counts.step), sum[0], sum[1], sum[3]));
  }
  return {.loss = sum[0] / static_cast<double>(counts.global_targets),
          .contrastive = sum[1] / static_cast<double>(counts.global_users),
          .targets = counts.global_targets,
          .stop_requested = sum[2] > 0};
}

void TrainingStep::CatchUp(const Batch& batch) {
  if (!row_optimiser_) return;
  if (objective_.reads_whole_table()) return CatchUpRows(batch.counts.step - 1);
  row_optimiser_->CatchUp(model_.table().rows, batch.plan.touched_slots, batch.counts.step - 1);
}

StepResult TrainingStep::Run(int64_t epoch, int64_t step, std::span<const data::TrainingSequence> sequences,
                             const GlobalBatch* next) {
  dist::Communicator& communicator = model_.communicator();
  communicator.set_phase("step " + std::to_string(step));
  times_.Enter(StepPhase::kData);
  if (!prepared_ || prepared_->epoch != epoch || prepared_->counts.step != step)
    prepared_ = Finish(Begin({epoch, step, sequences}));
  const BatchCounts counts = prepared_->counts;
  PPR_BUG_IF_NOT(counts.global_users == static_cast<int64_t>(sequences.size()) &&
                     counts.global_targets == objective_.NumTargets({epoch, step, sequences}),
                 Format("step %lld got other sequences than were announced", static_cast<long long>(step)));
  const Batch batch = std::move(*prepared_);
  prepared_.reset();

  times_.Enter(StepPhase::kGather);
  CatchUp(batch);
  dist::PendingRows fetching = batch.pass->BeginFetch(batch.plan);
  std::optional<PendingBatch> upcoming;
  if (next != nullptr && at::get_num_threads() == 1) {  // while the rows travel
    times_.Enter(StepPhase::kData);
    upcoming = Begin(*next);
  }
  times_.Enter(StepPhase::kGather);
  fetching.Wait();

  times_.Enter(StepPhase::kCompute);
  model::SideWork meanwhile{.run = {},
                            .multiply_adds = PackingWork(counts.global_targets / communicator.size())};
  if (next != nullptr && !upcoming) meanwhile.run = [&] { upcoming = Begin(*next); };
  model_.parameters().ZeroGradients();
  BatchLosses losses = batch.pass->Compute(counts, batch.plan, fetching.rows, meanwhile);
  losses.finite = losses.finite && AllFinite(model_.parameters().gradients());

  times_.Enter(StepPhase::kReduce);
  const at::Tensor dense =
      model_.parameters().gradients().narrow(0, first_trained_, model_.parameters().numel() - first_trained_);
  const std::unique_ptr<dist::Work> reducing = communicator.AllReduceAsync(dense, dist::ReduceOp::kSum);
  if (upcoming) model_.exchange().PostSlots(upcoming->plan);
  RowGradients of_rows;
  if (row_optimiser_) of_rows = batch.pass->ReturnRowGradients(batch.plan, times_);
  times_.Enter(StepPhase::kReduce);
  reducing->Wait();
  const StepResult result = Agree(losses, counts);
  times_.Enter(StepPhase::kTable);
  Optimise(batch, of_rows);
  if (upcoming) prepared_ = Finish(std::move(*upcoming));
  times_.Enter(StepPhase::kOther);
  return result;
}

void TrainingStep::Optimise(const Batch& batch, const RowGradients& rows) {
  dense_optimiser_->Step(model_.parameters(), batch.counts.step, rules_.pretrained_rate, rules_.new_rate);
  if (!row_optimiser_) return;
  row_optimiser_->Update(model_.table().rows, rows.slots, optim::RowGradient(rows.write), batch.counts.step);
}

void TrainingStep::AppendState(checkpoint::TrainingState* state) const {
  dense_optimiser_->AppendState(model_.parameters(), state);
  if (row_optimiser_) row_optimiser_->AppendState(state);
}

void TrainingStep::CatchUpRows(int64_t step) {
  if (row_optimiser_) row_optimiser_->CatchUpAll(model_.table().rows, step);
}

}  // namespace ppr::train
