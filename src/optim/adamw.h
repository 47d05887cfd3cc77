// AdamW (Loshchilov & Hutter 2019): Adam with decoupled weight decay, exact on rows that were skipped, as
// adam.h is (docs/contracts.md, contract 2).
//
// Step t multiplies a parameter by 1 - lr_t wd and then takes Adam's step, in which the decay has no part; it
// decays at every step, with a gradient or without. Over skipped steps t + 1 .. now a row therefore ends at
//   p P(now) / P(t) - sum_s P(now) / P(s) (Adam's step s),   P(s) = prod_(i <= s) (1 - lr_i wd):
// the sum that optim/skipped_steps.h stands for, each of its weights decayed by the steps after it, and one
// factor on the row. A row that no batch ever touched has no moments and decays all the same.
//
// What decays: item rows and dense parameters of two and more dimensions (matrices, tables of positions and
// of profile values). Biases and the gains of LayerNorm do not: they hold no product that a scale could hide
// in, and shrinking a gain shrinks what it normalises; this is how BERT and GPT were trained.
#pragma once

#include <cstdint>
#include <vector>

#include "optim/adam.h"

namespace ppr::optim {

// What steps take of a value that decays.
class WeightDecay {
 public:
  // ConfigError unless rate.base * weight_decay < 1: a step would turn values around.
  WeightDecay(const LearningRate& rate, double weight_decay);

  double Of(int64_t step) const { return rate_.at(step) * weight_decay_; }
  // The share that steps from_step + 1 .. to_step take together. Needs ReachTo(to_step).
  double Over(int64_t from_step, int64_t to_step) const;
  void ReachTo(int64_t step);

 private:
  double LogKept(int64_t step) const;  // of P(step)

  LearningRate rate_;
  double weight_decay_;
  std::vector<double> log_kept_{0};  // at [step], while the rate warms up
};

class DenseAdamW : public DenseOptimiser {
 public:
  DenseAdamW(const AdamConfig& config, double weight_decay, const model::DenseParameters& parameters);
  void Step(const model::DenseParameters& parameters, int64_t step, const LearningRate& pretrained,
            const LearningRate& fresh) override;
  void AppendState(const model::DenseParameters& parameters, checkpoint::TrainingState* state) const override;

 private:
  DenseAdam adam_;
  double weight_decay_;
};

// What AdamW does to a row (moment_rows.h).
class AdamWRowRule {
 public:
  AdamWRowRule(const AdamConfig& config, double weight_decay, const LearningRate& rate, CatchUpRule rule);

  void Prepare(int64_t step);
  void CatchUpRow(float* row, float* m, float* v, int64_t width, int64_t from_step, int64_t to_step) const;

  struct RowStep {
    float decay;
    AdamConstants<float> constants;
    AdamCoefficients<float> coefficients;
    void operator()(float* row, float* m, float* v, const float* gradient, int64_t width) const;
  };
  RowStep StepOf(int64_t step) const;

 private:
  void ReplayRow(float* row, float* m, float* v, int64_t width, int64_t from_step, int64_t to_step) const;

  AdamConfig config_;
  LearningRate rate_;
  CatchUpRule rule_;
  int64_t replay_limit_;  // Adam's: decayed steps move an entry less
  WeightDecay decay_;
  StepCoefficients coefficients_;
  SkippedSteps skipped_steps_;
};

class RowAdamW : public MomentRowsBy<AdamWRowRule> {
 public:
  RowAdamW(const AdamConfig& config, double weight_decay, const LearningRate& rate, int64_t num_rows,
           int64_t width, CatchUpRule rule = CatchUpRule::kGaussRule)
      : MomentRowsBy(num_rows, width, AdamWRowRule(config, weight_decay, rate, rule)) {}
};

}  // namespace ppr::optim
