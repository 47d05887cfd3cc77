#include "optim/adam.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/text_format.h"

namespace ppr::optim {

namespace {

constexpr int64_t kDenseGrain = 1 << 14;  // entries: about 10 us of work, well above the cost of a task

// A run of neighbouring trainable parameters that share a learning rate.
struct Segment {
  int64_t begin, end;  // in the flat buffer
  model::ParameterGroup group;
};

std::vector<Segment> TrainableSegments(const model::DenseParameters& parameters) {
  std::vector<Segment> segments;
  for (const model::DenseParameter& parameter : parameters.parameters()) {
    if (!parameter.trainable) continue;
    const int64_t end = parameter.offset + parameter.numel;
    if (!segments.empty() && segments.back().end == parameter.offset &&
        segments.back().group == parameter.group) {
      segments.back().end = end;
    } else {
      segments.push_back({parameter.offset, end, parameter.group});
    }
  }
  return segments;
}

template <typename T>
void StepSegments(const model::DenseParameters& parameters, const at::Tensor& m, const at::Tensor& v,
                  const AdamConfig& config, AdamCoefficients<T> pretrained, AdamCoefficients<T> fresh) {
  const at::Tensor values = parameters.values();
  const at::Tensor gradients = parameters.gradients();
  T* p = values.data_ptr<T>();
  T* first = m.data_ptr<T>();
  T* second = v.data_ptr<T>();
  const T* g = gradients.data_ptr<T>();
  const std::vector<Segment> segments = TrainableSegments(parameters);
  const AdamConstants<T> constants = ConstantsOf<T>(config);
  at::parallel_for(0, values.numel(), kDenseGrain, [&](int64_t begin, int64_t end) {
    for (const Segment& segment : segments) {
      const int64_t from = std::max(begin, segment.begin);
      const int64_t to = std::min(end, segment.end);
      if (from >= to) continue;
      AdamStep(p + from, first + from, second + from, g + from, to - from, constants,
               segment.group == model::ParameterGroup::kPretrained ? pretrained : fresh);
    }
  });
}

const AdamConfig& Checked(const AdamConfig& config) {
  PPR_BUG_IF_NOT(config.Problems().empty(), "Adam: " + config.Problems().front());
  return config;
}

}  // namespace

DenseAdam::DenseAdam(const AdamConfig& config, const model::DenseParameters& parameters)
    : m(at::zeros_like(parameters.values())),
      v(at::zeros_like(parameters.values())),
      config_(Checked(config)) {}

void DenseAdam::Step(const model::DenseParameters& parameters, int64_t step, const LearningRate& pretrained,
                     const LearningRate& fresh) {
  PPR_BUG_IF_NOT(step >= 1, Format("Adam steps count from 1, found %lld", static_cast<long long>(step)));
  const at::Tensor values = parameters.values();
  PPR_BUG_IF_NOT(values.is_cpu() && m.numel() == values.numel() && v.numel() == values.numel() &&
                     m.scalar_type() == values.scalar_type() && v.scalar_type() == values.scalar_type(),
                 "DenseAdam: m and v must match the parameters in place, length and dtype");
  if (values.scalar_type() == at::kDouble) {
    StepSegments<double>(parameters, m, v, config_, CoefficientsOf<double>(config_, pretrained, step),
                         CoefficientsOf<double>(config_, fresh, step));
  } else {
    StepSegments<float>(parameters, m, v, config_, CoefficientsOf<float>(config_, pretrained, step),
                        CoefficientsOf<float>(config_, fresh, step));
  }
}

void DenseAdam::AppendState(const model::DenseParameters& parameters,
                            checkpoint::TrainingState* state) const {
  for (const auto& [moment, flat] : {std::pair{"m", m}, std::pair{"v", v}}) {
    for (const model::DenseParameter& parameter : parameters.parameters()) {
      state->push_back({checkpoint::MomentOf(checkpoint::DenseTensor(parameter.name), moment),
                        model::PartOf(flat, parameter)});
    }
  }
}

int64_t ReplayLimit(const AdamConfig& config) {
  const double ratio = config.beta1 / std::sqrt(config.beta2);
  if (ratio == 0) return 0;
  const double largest_direction = (1 - config.beta1) / std::sqrt((1 - config.beta2) * (1 - ratio * ratio));
  const double largest_power = 0x1p-23 * (1 - ratio) / largest_direction;  // of r, at step limit + 1
  return std::max<int64_t>(0, static_cast<int64_t>(std::ceil(std::log(largest_power) / std::log(ratio))) - 1);
}

bool Fits(const SkippedSteps::Rule& rule, const float* m, const float* v, int64_t width) {
  if (rule.least_v == 0) return true;
  for (int64_t i = 0; i < width; ++i) {
    if (v[i] < rule.least_v && m[i] != 0) return false;
  }
  return true;
}

AdamRowRule::AdamRowRule(const AdamConfig& config, const LearningRate& rate, CatchUpRule rule)
    : config_(Checked(config)),
      rate_(rate),
      rule_(rule),
      replay_limit_(ReplayLimit(config)),
      coefficients_(config, rate, replay_limit_),
      skipped_steps_(config, replay_limit_) {}

void AdamRowRule::Prepare(int64_t step) {
  coefficients_.ReachTo(step);
  if (rule_ == CatchUpRule::kGaussRule) skipped_steps_.AdvanceTo(step, coefficients_);
}

AdamRowRule::RowStep AdamRowRule::StepOf(int64_t step) const {
  PPR_BUG_IF_NOT(step >= 1, Format("Adam steps count from 1, found %lld", static_cast<long long>(step)));
  return {ConstantsOf<float>(config_), CoefficientsOf<float>(config_, rate_, step)};
}

void AdamRowRule::CatchUpRow(float* row, float* m, float* v, int64_t width, int64_t from_step,
                             int64_t to_step) const {
  if (AllZero(m, width) && AllZero(v, width)) return;
  if (rule_ == CatchUpRule::kReplay) return ReplayRow(row, m, v, width, from_step, to_step);
  const SkippedSteps::Rule& rule = skipped_steps_.From(from_step);
  if (!Fits(rule, m, v, width)) return ReplayRow(row, m, v, width, from_step, to_step);
  const int64_t skipped = to_step - from_step;
  AdamSkip(row, m, v, width, rule.nodes, skipped_steps_.FirstDecay(skipped),
           skipped_steps_.SecondDecay(skipped));
}

void AdamRowRule::ReplayRow(float* row, float* m, float* v, int64_t width, int64_t from_step,
                            int64_t to_step) const {
  const int64_t skipped = to_step - from_step;
  const int64_t replayed = std::min(skipped, replay_limit_);
  AdamReplay(row, m, v, width, ConstantsOf<float>(config_), coefficients_.After(from_step), replayed);
  if (skipped > replayed) {
    AdamDecay(m, v, width, skipped_steps_.FirstDecay(skipped - replayed),
              skipped_steps_.SecondDecay(skipped - replayed));
  }
}

}  // namespace ppr::optim
