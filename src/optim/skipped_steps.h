// What the skipped steps of a row do to it, in a few operations instead of one Adam step each.
//
// A row at step t has moments (m, v) and no gradient in steps t + 1 .. now. With rho = sqrt(b2), the j-th of
// them, s = t + j, moves an entry by
//   -m w_j / (sqrt(v) + eps u_j),   w_j = lr_s / (1 - b1^s) B_s (b1 / rho)^j,   u_j = B_s rho^-j,
//   B_s = sqrt(1 - b2^s).
// w and u depend on the steps alone, and w falls by b1 / rho a step, so the sum is an integral of
// f(u) = 1 / (sqrt(v) + eps u) over a measure that all rows of step t share: three Gauss nodes are enough,
//   dp = -m sum_q W_q / (sqrt(v) + eps U_q).
// The rule is formed in x = (u - u_1) / (u + 0.7 u_1), in [0, 1): f is a constant plus a simple pole in x as
// it is in u, but a pole that stays away from the nodes whatever v is, also where eps exceeds sqrt(v). With
// betas (0.9, 0.98) the error is at most 2e-7 of the displacement, float32's rounding, for every v; nodes in
// u would be 1e-4 off for small v.
//
// Six moments per past step determine its rule; a step adds one term to each of the last num_terms() past
// steps. Older rows have the rule of their first num_terms() skipped steps: what the later ones add is below
// rounding (RowAdam::replay_limit). Each rule is compared with the sums that it stands for, at several
// sqrt(v): from where on it is exact to 2^-18 is part of it, and entries below are to be replayed. For the
// usual betas that are entries with tiny gradients that were left alone since one of the first 30 steps.
// Everything is a function of the coefficients of the steps: a run that is taken up at any step has the same
// bits.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "optim/adam_config.h"
#include "optim/gauss_rule.h"
#include "optim/step_coefficients.h"

namespace ppr::optim {

class SkippedSteps {
 public:
  struct Rule {
    SkippedRule nodes{};
    float least_v = 0;  // exact for entries with at least this v
  };

  // The share of a value that decoupled weight decay takes at a step (optim/adamw.h): what a step moves an
  // entry by is decayed by the steps after it.
  using Decay = std::function<double(int64_t step)>;

  // `decay`: empty for none.
  SkippedSteps(const AdamConfig& config, int64_t num_terms, Decay decay = {});

  // Makes `now` the present; `coefficients` must reach it. Quick forwards by a step (microseconds while rate
  // and bias corrections change, then nothing); another order costs a rebuild from step 1.
  void AdvanceTo(int64_t now, const StepCoefficients& coefficients);

  // What skipping steps t + 1 .. now does; 0 <= t < now. Valid until the next AdvanceTo.
  const Rule& From(int64_t t) const;
  // The factors of m and v after `count` skipped steps.
  float FirstDecay(int64_t count) const;
  float SecondDecay(int64_t count) const;

  int64_t num_terms() const { return num_terms_; }

 private:
  // Six moments and, to check a rule by, the sums of w q / (1 + s q) with q = u_1 / u at several values s of
  // sqrt(v) / (eps u_1), ascending. At infinity the sum is the zeroth moment.
  static constexpr size_t kNumMoments = 6;
  static constexpr std::array<double, 8> kProbes = {0, 4, 16, 64, 256, 1024, 4096, 16384};
  static constexpr size_t kNumSums = kNumMoments + kProbes.size();
  // A sum's value for each gap now - t, 0..num_terms_; at gap 0 nothing is summed yet.
  using SumsByGap = std::array<std::vector<double>, kNumSums>;

  void Restart();
  double Kept(int64_t step) const { return decay_ ? 1 - decay_(step) : 1; }
  // `kept`: what the step leaves of those before it.
  void AddStep(const AdamCoefficients<float>& step, double kept);
  Rule RuleOfGap(int64_t gap, const StepCoefficients& coefficients) const;
  // Whether nodes at `inverse` = u_1 / u give the gap's sum at a probe.
  bool IsExact(const GaussRule& rule, const std::array<double, 3>& inverse, size_t probe, size_t gap) const;
  Rule RuleOfFewSteps(const AdamCoefficients<float>* steps, int64_t count) const;

  double epsilon_, rho_, log2_beta1_, log2_beta2_;
  int64_t num_terms_;
  Decay decay_;
  int64_t now_ = 0;
  int64_t unchanged_ = 0;                         // steps before `now_` in a row that have its coefficients
  std::vector<double> ratio_power_, root_power_;  // (b1 / rho)^j and rho^(j - 1) at [j]
  SumsByGap sums_, next_sums_;
  std::vector<double> first_root_, next_first_root_;  // B_(t + 1) by gap
  std::vector<Rule> rules_;                           // by gap
  // Of step t at [t] for t <= now - num_terms; all steps past the end have the last one's.
  std::vector<Rule> finished_;
};

}  // namespace ppr::optim
