// Adam (Kingma & Ba 2015) for the dense buffer and, exactly, for the rows of a sharded table
// (docs/contracts.md, contract 2): a row that no batch touched for k steps ends where dense Adam would have
// put it.
//
// Step t, in the standard form, with t counted from 1:
//   m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
//   p -= lr_t / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
// The bias corrections are formed in double, once per step; the state and the stepping are float32 (DenseAdam
// follows the dtype of its buffer). Both classes call the same kernels, so that a replayed row gets the bits
// of a dense one.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/FunctionRef.h>

#include <cstdint>

#include "model/dense_parameters.h"
#include "optim/adam_config.h"
#include "optim/skipped_steps.h"
#include "optim/step_coefficients.h"

namespace ppr::optim {

// Dense Adam over the flat buffer; a frozen parameter, and its m and v, are not touched. Local; uses ATen's
// threads.
class DenseAdam {
 public:
  DenseAdam(const AdamConfig& config, const model::DenseParameters& parameters);
  // One step, numbered from 1, on parameters.values() from parameters.gradients(). `pretrained` and `fresh`
  // are the rates of the two groups.
  void Step(const model::DenseParameters& parameters, int64_t step, const LearningRate& pretrained,
            const LearningRate& fresh);

  at::Tensor m, v;  // [P] as parameters.values(); written to checkpoints

 private:
  AdamConfig config_;
};

// How a row gets past the steps that it skipped.
enum class CatchUpRule {
  // In a few operations an entry (optim/skipped_steps.h); replays the rows that it is not exact for.
  kGaussRule,
  // Step by step: the oracle, bit for bit what DenseAdam does within replay_limit().
  kReplay,
};

// Writes the gradient of the i-th slot of an update, d floats; called once for each i, from ATen's threads.
using RowGradient = c10::function_ref<void(int64_t i, float* gradient)>;

// Exact Adam on the rows of one shard. A row's state is (value, m, v, last step it was brought to); its
// skipped steps (zero gradient) are made up for when it is next needed. Local; uses ATen's threads; one call
// at a time; allocates nothing that grows with the table once it is built.
//
// A call that is given slots out of range changes nothing. One that finds a row at a step where it cannot be
// throws BugError too, and leaves every row wholly at its old or at its new step.
class RowAdam {
 public:
  RowAdam(const AdamConfig& config, const LearningRate& rate, int64_t num_rows, int64_t width,
          CatchUpRule rule = CatchUpRule::kGaussRule);

  // Brings rows [S, d] at `slots` (int64) to where dense Adam has them after `step` steps. A slot that is
  // named twice is brought there once.
  void CatchUp(at::Tensor rows, const at::Tensor& slots, int64_t step);
  // All rows; before evaluation and export.
  void CatchUpAll(at::Tensor rows, int64_t step);
  // Step number `step` with gradients [G, d] for `slots` [G], distinct; the rows must have been caught up to
  // step - 1. A gradient of zeros counts as a step like any other.
  void Update(at::Tensor rows, const at::Tensor& slots, const at::Tensor& gradients, int64_t step);
  // The same without a matrix of gradients: each is made where it is used.
  void Update(at::Tensor rows, const at::Tensor& slots, const RowGradient& gradient_of, int64_t step);

  // Skipped steps that count. The j-th skipped step moves an entry by at most lr |m| / sqrt(v) r^j with
  // r = b1 / sqrt(b2) (eps only makes it less), and |m| / sqrt(v) is at most
  // (1 - b1) / sqrt((1 - b2) (1 - r^2)) whatever the gradients were (Cauchy-Schwarz). The limit is the
  // smallest K for which all steps past K together move an entry by less than 2^-23 lr: 198 for (0.9, 0.98),
  // where 200 would leave 9.0e-8 lr, and 192 for (0.9, 0.999), where 200 would leave 5.1e-8 lr. Past it only
  // m and v decay, by the power of the steps.
  int64_t replay_limit() const { return replay_limit_; }

  at::Tensor m, v;       // [S, d] f32
  at::Tensor last_step;  // [S] int64

 private:
  void PrepareRules(int64_t step);
  template <typename SlotAt>
  void CatchUpEach(float* values, int64_t count, const SlotAt& slot_at, int64_t step);
  template <typename GradientAt>
  void UpdateEach(float* values, const at::Tensor& slots, const GradientAt& gradient_at, int64_t step);
  void CatchUpRow(float* row, float* first, float* second, int64_t from_step, int64_t to_step) const;
  void ReplayRow(float* row, float* first, float* second, int64_t from_step, int64_t to_step) const;
  void CheckState(const at::Tensor& rows, int64_t step) const;
  void CheckSlots(const at::Tensor& slots) const;

  AdamConfig config_;
  LearningRate rate_;
  CatchUpRule rule_;
  int64_t replay_limit_;
  StepCoefficients coefficients_;
  SkippedSteps skipped_steps_;
};

}  // namespace ppr::optim
