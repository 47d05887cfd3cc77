// Adam (Kingma & Ba 2015) for the dense buffer and, exactly, for the rows of a sharded table (docs/contracts.md,
// contract 2): a row that no batch touched for k steps ends where dense Adam would have put it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "model/dense_parameters.h"

namespace ppr::train {

// Learning rate of a step, as a function of the step number alone (1-based): linear warm-up to `base`, then constant.
struct LearningRate {
  double base = 1e-3;
  int64_t warmup_steps = 0;

  double at(int64_t step) const {
    return step >= warmup_steps ? base : base * static_cast<double>(step) / static_cast<double>(warmup_steps);
  }
};

struct AdamConfig {
  double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-8;
  std::vector<std::string> Problems() const;  // NaN, out of [0, 1), ...
};

// Dense Adam over the flat buffer; a frozen group's parameters are not touched.
class DenseAdam {
 public:
  DenseAdam(const AdamConfig& config, const model::DenseParameters& parameters);
  // One step, numbered from 1, on parameters.values() from parameters.gradients(). `pretrained` and `fresh` are the rates
  // of the two groups.
  void Step(const model::DenseParameters& parameters, int64_t step, const LearningRate& pretrained, const LearningRate& fresh);

  at::Tensor m, v;  // [P] as parameters.values(); written to checkpoints

 private:
  AdamConfig config_;
};

// Exact Adam on the rows of one shard. A row's state is (value, m, v, last step it was brought to). The skipped steps of a
// row (zero gradient) are replayed when it is next needed; after kReplayLimit of them the first moment is below rounding
// and the rest is the closed-form decay of m and v.
class RowAdam {
 public:
  static constexpr int64_t kReplayLimit = 200;

  RowAdam(const AdamConfig& config, const LearningRate& rate, int64_t num_rows, int64_t width);

  // Brings rows [S, d] at `slots` (int64, distinct) to where dense Adam has them after `step` steps. Local.
  void CatchUp(at::Tensor rows, const at::Tensor& slots, int64_t step);
  // All rows; before evaluation and export.
  void CatchUpAll(at::Tensor rows, int64_t step);
  // Step number `step` with gradients [G, d] for `slots` [G]; the rows must have been caught up to step - 1.
  void Update(at::Tensor rows, const at::Tensor& slots, const at::Tensor& gradients, int64_t step);

  at::Tensor m, v;        // [S, d] f32
  at::Tensor last_step;   // [S] int64

 private:
  AdamConfig config_;
  LearningRate rate_;
};

}  // namespace ppr::train
