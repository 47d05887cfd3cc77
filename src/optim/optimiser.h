// What a training step asks of an optimiser: a dense part over the flat buffer of the parameters that all
// ranks hold whole, and a part over the rows of this rank's shard of the item table. Which there are stands
// in optimiser_config.h.
//
// Both are local, use ATen's threads and take one call at a time. Calls are of whole batches: no call is
// virtual within a row.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/FunctionRef.h>

#include <cstdint>

#include "checkpoint/state.h"
#include "model/dense_parameters.h"
#include "optim/adam_config.h"

namespace ppr::optim {

class DenseOptimiser {
 public:
  virtual ~DenseOptimiser() = default;
  // One step, numbered from 1, on parameters.values() from parameters.gradients(). `pretrained` and `fresh`
  // are the rates of the two groups. A frozen parameter, and what is kept of it, is not touched.
  virtual void Step(const model::DenseParameters& parameters, int64_t step, const LearningRate& pretrained,
                    const LearningRate& fresh) = 0;
  // Appends what a resumed run needs, one entry a parameter and moment, in the parameters' order.
  virtual void AppendState(const model::DenseParameters& parameters,
                           checkpoint::TrainingState* state) const = 0;
};

// Writes the gradient of the i-th slot of an update, d floats; called once for each i, from ATen's threads.
using RowGradient = c10::function_ref<void(int64_t i, float* gradient)>;

// Of rows [S, d] float32 of one shard. The work of a step grows with the rows touched; an optimiser whose
// rows move without a gradient too brings them up to date when they are next needed. A call that is given
// slots out of range throws BugError and changes nothing.
class RowOptimiser {
 public:
  virtual ~RowOptimiser() = default;
  // Brings rows at `slots` (int64) to where they are after `step` steps. A slot that is named twice is
  // brought there once.
  virtual void CatchUp(at::Tensor rows, const at::Tensor& slots, int64_t step) = 0;
  // All rows; before evaluation and export.
  virtual void CatchUpAll(at::Tensor rows, int64_t step) = 0;
  // Step number `step` with gradients [G, d] for `slots` [G], distinct; the rows must have been caught up to
  // step - 1. A gradient of zeros counts as a step like any other.
  virtual void Update(at::Tensor rows, const at::Tensor& slots, const at::Tensor& gradients,
                      int64_t step) = 0;
  // The same without a matrix of gradients: each is made where it is used.
  virtual void Update(at::Tensor rows, const at::Tensor& slots, const RowGradient& gradient_of,
                      int64_t step) = 0;
  // Whether every row is where it is after `step` steps.
  virtual bool AllRowsAt(int64_t step) const = 0;
  // Rows first .. first + to.size(0) - 1 as CatchUpAll would leave them, bit for bit, in `to`; nothing else
  // changes.
  virtual void CopyCaughtUp(const at::Tensor& rows, int64_t first, int64_t step, const at::Tensor& to) = 0;
  // Appends what a resumed run needs besides the rows.
  virtual void AppendState(checkpoint::TrainingState* state) const = 0;
  // Of memory besides the row's values.
  virtual int64_t BytesPerRow() const = 0;
};

}  // namespace ppr::optim
