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

#include <cstdint>
#include <string>
#include <vector>

#include "model/dense_parameters.h"
#include "train/adam_kernels.h"

namespace ppr::train {

// Learning rate of a step, as a function of the step number alone (1-based): linear warm-up to `base`, then
// constant.
struct LearningRate {
  double base = 1e-3;
  int64_t warmup_steps = 0;

  double at(int64_t step) const {
    return step >= warmup_steps ? base : base * static_cast<double>(step) / static_cast<double>(warmup_steps);
  }
};

struct AdamConfig {
  double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-8;

  // What cannot work, one sentence each, naming the field, the range and the value found; empty when all is
  // well.
  std::vector<std::string> Problems() const;
};

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

// Exact Adam on the rows of one shard. A row's state is (value, m, v, last step it was brought to). The
// skipped steps of a row (zero gradient) are replayed when it is next needed; after replay_limit() of them
// what is left of the displacement is below rounding, and the rest is the closed-form decay of m and v.
// Local; uses ATen's threads; one call at a time.
class RowAdam {
 public:
  RowAdam(const AdamConfig& config, const LearningRate& rate, int64_t num_rows, int64_t width);

  // Brings rows [S, d] at `slots` (int64, distinct) to where dense Adam has them after `step` steps.
  void CatchUp(at::Tensor rows, const at::Tensor& slots, int64_t step);
  // All rows; before evaluation and export.
  void CatchUpAll(at::Tensor rows, int64_t step);
  // Step number `step` with gradients [G, d] for `slots` [G], distinct; the rows must have been caught up to
  // step - 1. A gradient of zeros counts as a step like any other.
  void Update(at::Tensor rows, const at::Tensor& slots, const at::Tensor& gradients, int64_t step);

  // Skipped steps that are replayed before the closed form takes over. The j-th skipped step moves an entry
  // by at most lr |m| / sqrt(v) r^j with r = b1 / sqrt(b2) (eps only makes it less), and |m| / sqrt(v) is at
  // most (1 - b1) / sqrt((1 - b2) (1 - r^2)) whatever the gradients were (Cauchy-Schwarz). The limit is the
  // smallest K for which all steps past K together move an entry by less than 2^-23 lr: 198 for (0.9, 0.98),
  // where 200 would leave 9.0e-8 lr, and 192 for (0.9, 0.999), where 200 would leave 5.1e-8 lr.
  int64_t replay_limit() const { return replay_limit_; }

  at::Tensor m, v;       // [S, d] f32
  at::Tensor last_step;  // [S] int64

 private:
  // Makes coefficients_ reach `step`: one entry a step of the whole run (8 bytes), computed once.
  void ExtendCoefficients(int64_t step);
  void CatchUpRow(float* row, int64_t slot, int64_t from_step, int64_t to_step) const;
  void CheckState(const at::Tensor& rows, int64_t step) const;

  AdamConfig config_;
  LearningRate rate_;
  int64_t replay_limit_;
  std::vector<AdamCoefficients<float>> coefficients_;  // of step s at [s - 1]
};

}  // namespace ppr::train
