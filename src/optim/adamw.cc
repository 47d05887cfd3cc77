#include "optim/adamw.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/errors.h"
#include "base/text_format.h"

namespace ppr::optim {
namespace {

// p -= share p: what is taken is small beside p, so that its rounding is lost in that of the difference.
template <typename T>
void Take(T* p, int64_t n, T share) {
  for (int64_t i = 0; i < n; ++i) p[i] -= share * p[i];
}

// The same for the share of many steps, which may leave little of p: that little is then what has to be
// exact.
void TakeOver(float* p, int64_t n, double share) {
  if (share < 0.5) return Take(p, n, static_cast<float>(share));
  const auto kept = static_cast<float>(1 - share);
  for (int64_t i = 0; i < n; ++i) p[i] *= kept;
}

template <typename T>
void DecayMatrices(const model::DenseParameters& parameters, double weight_decay, double pretrained,
                   double fresh) {
  T* const values = parameters.values().mutable_data_ptr<T>();
  for (const model::DenseParameter& parameter : parameters.parameters()) {
    if (!parameter.trainable || parameter.shape.size() < 2) continue;
    const double rate = parameter.group == model::ParameterGroup::kPretrained ? pretrained : fresh;
    Take(values + parameter.offset, parameter.numel, static_cast<T>(rate * weight_decay));
  }
}

}  // namespace

WeightDecay::WeightDecay(const LearningRate& rate, double weight_decay)
    : rate_(rate), weight_decay_(weight_decay) {
  if (!(rate.base * weight_decay < 1)) {
    throw ConfigError(Format("weight_decay: expected less than 1 / learning rate = %g, found %g",
                             1 / rate.base, weight_decay));
  }
}

void WeightDecay::ReachTo(int64_t step) {
  const int64_t last = std::min(step, rate_.warmup_steps);
  while (static_cast<int64_t>(log_kept_.size()) <= last) {
    log_kept_.push_back(log_kept_.back() + std::log1p(-Of(static_cast<int64_t>(log_kept_.size()))));
  }
}

double WeightDecay::LogKept(int64_t step) const {
  const int64_t warm = std::min(step, rate_.warmup_steps);
  return log_kept_[static_cast<size_t>(warm)] +
         static_cast<double>(step - warm) * std::log1p(-rate_.base * weight_decay_);
}

double WeightDecay::Over(int64_t from_step, int64_t to_step) const {
  return -std::expm1(LogKept(to_step) - LogKept(from_step));
}

DenseAdamW::DenseAdamW(const AdamConfig& config, double weight_decay,
                       const model::DenseParameters& parameters)
    : adam_(config, parameters), weight_decay_(weight_decay) {}

void DenseAdamW::Step(const model::DenseParameters& parameters, int64_t step, const LearningRate& pretrained,
                      const LearningRate& fresh) {
  const bool in_double = parameters.values().scalar_type() == at::kDouble;
  (in_double ? DecayMatrices<double> : DecayMatrices<float>)(parameters, weight_decay_, pretrained.at(step),
                                                             fresh.at(step));
  adam_.Step(parameters, step, pretrained, fresh);
}

void DenseAdamW::AppendState(const model::DenseParameters& parameters,
                             checkpoint::TrainingState* state) const {
  adam_.AppendState(parameters, state);
}

AdamWRowRule::AdamWRowRule(const AdamConfig& config, double weight_decay, const LearningRate& rate,
                           CatchUpRule rule)
    : config_(config),
      rate_(rate),
      rule_(rule),
      replay_limit_(ReplayLimit(config)),
      decay_(rate, weight_decay),
      coefficients_(config, rate, replay_limit_),
      skipped_steps_(config, replay_limit_, [decay = decay_](int64_t step) { return decay.Of(step); }) {}

void AdamWRowRule::Prepare(int64_t step) {
  decay_.ReachTo(step);
  coefficients_.ReachTo(step);
  if (rule_ == CatchUpRule::kGaussRule) skipped_steps_.AdvanceTo(step, coefficients_);
}

AdamWRowRule::RowStep AdamWRowRule::StepOf(int64_t step) const {
  PPR_BUG_IF_NOT(step >= 1, Format("AdamW steps count from 1, found %lld", static_cast<long long>(step)));
  return {static_cast<float>(decay_.Of(step)), ConstantsOf<float>(config_),
          CoefficientsOf<float>(config_, rate_, step)};
}

void AdamWRowRule::RowStep::operator()(float* row, float* m, float* v, const float* gradient,
                                       int64_t width) const {
  Take(row, width, decay);
  AdamStep(row, m, v, gradient, width, constants, coefficients);
}

void AdamWRowRule::CatchUpRow(float* row, float* m, float* v, int64_t width, int64_t from_step,
                              int64_t to_step) const {
  const auto take_all = [&] { TakeOver(row, width, decay_.Over(from_step, to_step)); };
  if (AllZero(m, width) && AllZero(v, width)) return take_all();
  if (rule_ == CatchUpRule::kReplay) return ReplayRow(row, m, v, width, from_step, to_step);
  const SkippedSteps::Rule& rule = skipped_steps_.From(from_step);
  if (!Fits(rule, m, v, width)) return ReplayRow(row, m, v, width, from_step, to_step);
  take_all();
  SkippedRule nodes = rule.nodes;
  if (to_step - from_step > replay_limit_) {  // the rule is as of that many steps: later ones decay it too
    const auto kept = static_cast<float>(1 - decay_.Over(from_step + replay_limit_, to_step));
    for (float& weight : nodes.weights) weight *= kept;
  }
  AdamSkip(row, m, v, width, nodes, skipped_steps_.FirstDecay(to_step - from_step),
           skipped_steps_.SecondDecay(to_step - from_step));
}

void AdamWRowRule::ReplayRow(float* row, float* m, float* v, int64_t width, int64_t from_step,
                             int64_t to_step) const {
  const int64_t last = std::min(to_step, from_step + replay_limit_);
  const AdamConstants<float> constants = ConstantsOf<float>(config_);
  for (int64_t step = from_step + 1; step <= last; ++step) {
    Take(row, width, static_cast<float>(decay_.Of(step)));
    AdamReplay(row, m, v, width, constants, &coefficients_.Of(step), 1);
  }
  if (to_step == last) return;
  TakeOver(row, width, decay_.Over(last, to_step));
  AdamDecay(m, v, width, skipped_steps_.FirstDecay(to_step - last),
            skipped_steps_.SecondDecay(to_step - last));
}

}  // namespace ppr::optim
