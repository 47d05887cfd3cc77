// How a rank's share of one batch becomes gradients. An objective packs a batch into a pass and thereby says
// how: by autograd (autograd_pass.h), or by the fused kernels (fused_next_item_pass.h). The training step
// drives either without knowing which.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "dist/row_exchange.h"
#include "model/fused/fused_encoder.h"
#include "train/step_times.h"

namespace ppr::train {

// What the losses and gradients of a batch are scaled by, and which step it is.
struct BatchCounts {
  int64_t step = 0;
  int64_t global_users = 0, global_targets = 0;  // sequences and targets of the global batch
};

// This rank's part of what a batch reports.
struct BatchLosses {
  double loss_sum = 0;       // main loss over this rank's targets
  double auxiliary_sum = 0;  // contrastive loss over this rank's sequences; unweighted
  bool finite = true;        // gradients of rows; those in the flat buffer the step sees for itself
};

// Gradients, summed over the ranks, of the rows of this rank's shard that a step updates.
struct RowGradients {
  at::Tensor slots;  // [G] int64, distinct
  // Writes that of slots[i], d floats. Any thread, until the next batch computes.
  std::function<void(int64_t i, float* gradient)> write;
};

// Calls come in the order of the functions; BeginFetch and what follows only when the pass before is done
// with.
class GradientPass {
 public:
  explicit GradientPass(std::vector<int64_t> ids) : ids_(std::move(ids)) {}
  virtual ~GradientPass() = default;
  GradientPass(const GradientPass&) = delete;
  GradientPass& operator=(const GradientPass&) = delete;

  // The items whose rows the batch reads, repeats allowed.
  const std::vector<int64_t>& ids() const { return ids_; }

  // Which of `rows` distinct rows each of ids() is: the order of the plan's ids. Local; may run while another
  // batch computes.
  virtual void PlaceIds(std::vector<int64_t> row_of_id, int64_t rows) = 0;

  // Collective. Brings here what the pass cannot read where it is kept.
  virtual dist::PendingRows BeginFetch(const dist::ExchangePlan& plan) = 0;

  // Forward and backward; `fetched` is what BeginFetch brought. Adds to the dense gradients, scaled by the
  // global counts, and keeps those of rows. Collective where the loss spans the global batch.
  virtual BatchLosses Compute(const BatchCounts& counts, const dist::ExchangePlan& plan,
                              const at::Tensor& fetched, const model::SideWork& meanwhile) = 0;

  // Collective; only of trained rows. Takes the gradients of rows to their owners.
  virtual RowGradients ReturnRowGradients(const dist::ExchangePlan& plan, StepTimes& times) = 0;

 private:
  std::vector<int64_t> ids_;
};

}  // namespace ppr::train
