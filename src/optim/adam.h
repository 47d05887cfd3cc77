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

#include "model/dense_parameters.h"
#include "optim/adam_config.h"
#include "optim/moment_rows.h"
#include "optim/optimiser.h"
#include "optim/skipped_steps.h"
#include "optim/step_coefficients.h"

namespace ppr::optim {

class DenseAdam : public DenseOptimiser {
 public:
  DenseAdam(const AdamConfig& config, const model::DenseParameters& parameters);
  void Step(const model::DenseParameters& parameters, int64_t step, const LearningRate& pretrained,
            const LearningRate& fresh) override;
  void AppendState(const model::DenseParameters& parameters, checkpoint::TrainingState* state) const override;

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

// Skipped steps that count. The j-th skipped step moves an entry by at most lr |m| / sqrt(v) r^j with
// r = b1 / sqrt(b2) (eps only makes it less), and |m| / sqrt(v) is at most
// (1 - b1) / sqrt((1 - b2) (1 - r^2)) whatever the gradients were (Cauchy-Schwarz). The limit is the
// smallest K for which all steps past K together move an entry by less than 2^-23 lr: 198 for (0.9, 0.98),
// where 200 would leave 9.0e-8 lr, and 192 for (0.9, 0.999), where 200 would leave 5.1e-8 lr. Past it only
// m and v decay, by the power of the steps.
int64_t ReplayLimit(const AdamConfig& config);

// Whether the rule is exact for all entries of a row that it moves.
bool Fits(const SkippedSteps::Rule& rule, const float* m, const float* v, int64_t width);

// What Adam does to a row (moment_rows.h).
class AdamRowRule {
 public:
  AdamRowRule(const AdamConfig& config, const LearningRate& rate, CatchUpRule rule);

  void Prepare(int64_t step);
  void CatchUpRow(float* row, float* m, float* v, int64_t width, int64_t from_step, int64_t to_step) const;

  struct RowStep {
    AdamConstants<float> constants;
    AdamCoefficients<float> coefficients;
    void operator()(float* row, float* m, float* v, const float* gradient, int64_t width) const {
      AdamStep(row, m, v, gradient, width, constants, coefficients);
    }
  };
  RowStep StepOf(int64_t step) const;
  int64_t replay_limit() const { return replay_limit_; }

 private:
  void ReplayRow(float* row, float* m, float* v, int64_t width, int64_t from_step, int64_t to_step) const;

  AdamConfig config_;
  LearningRate rate_;
  CatchUpRule rule_;
  int64_t replay_limit_;
  StepCoefficients coefficients_;
  SkippedSteps skipped_steps_;
};

// Exact Adam on the rows of one shard: the skipped steps of a row (zero gradient) are made up for when it is
// next needed.
class RowAdam : public MomentRowsBy<AdamRowRule> {
 public:
  RowAdam(const AdamConfig& config, const LearningRate& rate, int64_t num_rows, int64_t width,
          CatchUpRule rule = CatchUpRule::kGaussRule)
      : MomentRowsBy(num_rows, width, AdamRowRule(config, rate, rule)) {}

  int64_t replay_limit() const { return rule().replay_limit(); }
};

}  // namespace ppr::optim
