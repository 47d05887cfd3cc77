#include "train/autograd_pass.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace ppr::train {
namespace {

bool AllFinite(const at::Tensor& tensor) { return std::isfinite(tensor.sum().item<double>()); }

at::Tensor GradientOf(const at::Tensor& leaf) {
  return leaf.grad().defined() ? leaf.grad() : at::zeros_like(leaf);
}

}  // namespace

AutogradPass::AutogradPass(recommender::ShardedModel& model, std::vector<int64_t> ids, Rows rows,
                           Forward forward)
    : GradientPass(std::move(ids)), model_(model), rows_(rows), forward_(std::move(forward)) {}

void AutogradPass::PlaceIds(std::vector<int64_t> row_of_id, int64_t /*rows*/) {
  row_of_id_ = std::move(row_of_id);
}

dist::PendingRows AutogradPass::BeginFetch(const dist::ExchangePlan& plan) {
  return model_.exchange().BeginFetch(plan, model_.table().rows);
}

BatchLosses AutogradPass::Compute(const BatchCounts& counts, const dist::ExchangePlan& /*plan*/,
                                  const at::Tensor& fetched, const model::SideWork& meanwhile) {
  if (meanwhile.run) meanwhile.run();
  const at::Tensor rows = fetched.detach().requires_grad_(rows_.trained);
  at::Tensor shard;  // shares the table's memory
  if (rows_.whole_table) shard = model_.table().rows.detach().requires_grad_(rows_.trained);
  const Loss loss = forward_({counts, rows, row_of_id_, shard});
  if (loss.total.requires_grad()) loss.total.backward();
  BatchLosses losses{.loss_sum = loss.loss_sum, .auxiliary_sum = loss.auxiliary_sum};
  if (!rows_.trained) return losses;
  of_fetched_ = GradientOf(rows);
  losses.finite = AllFinite(of_fetched_);
  if (rows_.whole_table) {
    of_shard_ = GradientOf(shard);
    losses.finite = losses.finite && AllFinite(of_shard_);
  }
  return losses;
}

RowGradients AutogradPass::ReturnRowGradients(const dist::ExchangePlan& plan, StepTimes& times) {
  times.Enter(StepPhase::kExchange);
  at::Tensor sums = model_.exchange().ReturnGradients(plan, of_fetched_), slots = plan.touched_slots;
  times.Enter(StepPhase::kTable);
  if (rows_.whole_table) {
    sums = of_shard_.index_add_(0, slots, sums);
    slots = at::arange(sums.size(0), at::kLong);
  }
  const int64_t width = sums.size(1);
  return {slots, [sums, width](int64_t i, float* gradient) {
            std::copy_n(sums.const_data_ptr<float>() + i * width, width, gradient);
          }};
}

}  // namespace ppr::train
