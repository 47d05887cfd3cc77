#include "train/adam.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "base/errors.h"
#include "base/text_format.h"

namespace ppr::train {

namespace {

constexpr int64_t kDenseGrain = 1 << 14;  // entries: about 10 us of work, well above the cost of a task
constexpr int64_t kRowGrain = 64;

template <typename T>
AdamConstants<T> ConstantsOf(const AdamConfig& config) {
  return {static_cast<T>(config.beta1), static_cast<T>(1 - config.beta1), static_cast<T>(config.beta2),
          static_cast<T>(1 - config.beta2), static_cast<T>(config.epsilon)};
}

template <typename T>
AdamCoefficients<T> CoefficientsOf(const AdamConfig& config, const LearningRate& rate, int64_t step) {
  const double t = static_cast<double>(step);
  return {static_cast<T>(rate.at(step) / (1 - std::pow(config.beta1, t))),
          static_cast<T>(1 / std::sqrt(1 - std::pow(config.beta2, t)))};
}

// The smallest number of replayed steps that leaves less than 2^-23 lr; derived at RowAdam::replay_limit.
int64_t ReplayLimit(const AdamConfig& config) {
  const double ratio = config.beta1 / std::sqrt(config.beta2);
  if (ratio == 0) return 0;
  const double largest_direction = (1 - config.beta1) / std::sqrt((1 - config.beta2) * (1 - ratio * ratio));
  const double largest_power = 0x1p-23 * (1 - ratio) / largest_direction;  // of r, at step limit + 1
  return std::max<int64_t>(0, static_cast<int64_t>(std::ceil(std::log(largest_power) / std::log(ratio))) - 1);
}

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

// Claims each slot of a call by making its last step negative; refuses slots that are out of range, claimed
// twice or, for an update, not at the step before. Gives all claims back when it throws.
class SlotClaims {
 public:
  SlotClaims(const at::Tensor& slots, const at::Tensor& last_step)
      : slots_(slots.data_ptr<int64_t>()),
        num_slots_(slots.numel()),
        last_step_(last_step.data_ptr<int64_t>()),
        num_rows_(last_step.numel()) {}

  // `exact`: every row is at `step`; else: at `step` or before.
  void ClaimAll(int64_t step, bool exact) {
    for (int64_t i = 0; i < num_slots_; ++i) {
      const std::string problem = Problem(slots_[i], step, exact);
      if (!problem.empty()) {
        for (int64_t back = i - 1; back >= 0; --back) Release(slots_[back]);
        throw BugError(Format("internal error: RowAdam: slot %lld at place %lld of %lld: ",
                              static_cast<long long>(slots_[i]), static_cast<long long>(i),
                              static_cast<long long>(num_slots_)) +
                       problem);
      }
      last_step_[slots_[i]] = ~last_step_[slots_[i]];
    }
  }
  // The claimed row's last step, which is its own again.
  int64_t Release(int64_t slot) { return last_step_[slot] = ~last_step_[slot]; }

 private:
  std::string Problem(int64_t slot, int64_t step, bool exact) const {
    if (slot < 0 || slot >= num_rows_)
      return Format("expected 0 <= slot < %lld", static_cast<long long>(num_rows_));
    const int64_t last = last_step_[slot];
    if (last < 0) return "named twice; the slots of a call must be distinct";
    if (last > step || (exact && last != step)) {
      return Format("expected a row %s step %lld, found it at step %lld", exact ? "at" : "at or before",
                    static_cast<long long>(step), static_cast<long long>(last));
    }
    return "";
  }

  const int64_t* slots_;
  int64_t num_slots_;
  int64_t* last_step_;
  int64_t num_rows_;
};

void CheckSlots(const at::Tensor& slots) {
  PPR_BUG_IF_NOT(
      slots.dim() == 1 && slots.scalar_type() == at::kLong && slots.is_contiguous() && slots.is_cpu(),
      "RowAdam: slots must be a contiguous int64 vector on the CPU");
}

bool AllZero(const float* values, int64_t n) {
  return std::all_of(values, values + n, [](float value) { return value == 0; });
}

}  // namespace

std::vector<std::string> AdamConfig::Problems() const {
  std::vector<std::string> problems;
  const auto check_beta = [&](const char* name, double beta) {
    if (!(beta >= 0 && beta < 1)) problems.push_back(Format("%s must be in [0, 1), found %g", name, beta));
  };
  check_beta("beta1", beta1);
  check_beta("beta2", beta2);
  if (!(epsilon > 0 && std::isfinite(epsilon))) {
    problems.push_back(Format("epsilon must be positive and finite, found %g", epsilon));
  }
  // Else the steps of an entry without gradients grow from step to step instead of dying away.
  if (problems.empty() && !(beta1 < std::sqrt(beta2))) {
    problems.push_back(Format("beta1 must be below sqrt(beta2) = %g, found %g", std::sqrt(beta2), beta1));
  }
  return problems;
}

DenseAdam::DenseAdam(const AdamConfig& config, const model::DenseParameters& parameters)
    : m(at::zeros_like(parameters.values())), v(at::zeros_like(parameters.values())), config_(config) {
  PPR_BUG_IF_NOT(config.Problems().empty(), "Adam: " + config.Problems().front());
}

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

RowAdam::RowAdam(const AdamConfig& config, const LearningRate& rate, int64_t num_rows, int64_t width)
    : m(at::zeros({num_rows, width}, at::kFloat)),
      v(at::zeros({num_rows, width}, at::kFloat)),
      last_step(at::zeros({num_rows}, at::kLong)),
      config_(config),
      rate_(rate) {
  PPR_BUG_IF_NOT(config.Problems().empty(), "Adam: " + config.Problems().front());
  replay_limit_ = ReplayLimit(config);
}

void RowAdam::CatchUp(at::Tensor rows, const at::Tensor& slots, int64_t step) {
  CheckState(rows, step);
  CheckSlots(slots);
  ExtendCoefficients(step);
  SlotClaims claims(slots, last_step);
  claims.ClaimAll(step, /*exact=*/false);
  const int64_t* slot_at = slots.data_ptr<int64_t>();
  int64_t* last = last_step.data_ptr<int64_t>();
  float* values = rows.data_ptr<float>();
  at::parallel_for(0, slots.numel(), kRowGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t slot = slot_at[i];
      CatchUpRow(values + slot * m.size(1), slot, claims.Release(slot), step);
      last[slot] = step;
    }
  });
}

void RowAdam::CatchUpAll(at::Tensor rows, int64_t step) {
  CatchUp(std::move(rows), at::arange(last_step.numel(), at::kLong), step);
}

void RowAdam::Update(at::Tensor rows, const at::Tensor& slots, const at::Tensor& gradients, int64_t step) {
  CheckState(rows, step);
  CheckSlots(slots);
  const int64_t width = m.size(1);
  PPR_BUG_IF_NOT(step >= 1, Format("Adam steps count from 1, found %lld", static_cast<long long>(step)));
  PPR_BUG_IF_NOT(gradients.dim() == 2 && gradients.size(0) == slots.numel() && gradients.size(1) == width &&
                     gradients.scalar_type() == at::kFloat && gradients.is_contiguous() && gradients.is_cpu(),
                 "RowAdam: gradients must be contiguous float32 [slots, width] on the CPU");
  SlotClaims claims(slots, last_step);
  claims.ClaimAll(step - 1, /*exact=*/true);
  const int64_t* slot_at = slots.data_ptr<int64_t>();
  const float* g = gradients.data_ptr<float>();
  float* values = rows.data_ptr<float>();
  float* first = m.data_ptr<float>();
  float* second = v.data_ptr<float>();
  int64_t* last = last_step.data_ptr<int64_t>();
  const AdamConstants<float> constants = ConstantsOf<float>(config_);
  const AdamCoefficients<float> coefficients = CoefficientsOf<float>(config_, rate_, step);
  at::parallel_for(0, slots.numel(), kRowGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t at = slot_at[i] * width;
      AdamStep(values + at, first + at, second + at, g + i * width, width, constants, coefficients);
      last[slot_at[i]] = step;
    }
  });
}

void RowAdam::ExtendCoefficients(int64_t step) {
  while (static_cast<int64_t>(coefficients_.size()) < step) {
    coefficients_.push_back(
        CoefficientsOf<float>(config_, rate_, static_cast<int64_t>(coefficients_.size()) + 1));
  }
}

void RowAdam::CatchUpRow(float* row, int64_t slot, int64_t from_step, int64_t to_step) const {
  const int64_t width = m.size(1);
  float* first = m.data_ptr<float>() + slot * width;
  float* second = v.data_ptr<float>() + slot * width;
  const int64_t skipped = to_step - from_step;
  if (skipped == 0 || (AllZero(first, width) && AllZero(second, width))) return;
  const int64_t replayed = std::min(skipped, replay_limit_);
  AdamReplay(row, first, second, width, ConstantsOf<float>(config_), coefficients_.data() + from_step,
             replayed);
  if (skipped > replayed) {
    const double rest = static_cast<double>(skipped - replayed);
    AdamDecay(first, second, width, static_cast<float>(std::pow(config_.beta1, rest)),
              static_cast<float>(std::pow(config_.beta2, rest)));
  }
}

void RowAdam::CheckState(const at::Tensor& rows, int64_t step) const {
  PPR_BUG_IF_NOT(step >= 0,
                 Format("RowAdam: steps are not negative, found %lld", static_cast<long long>(step)));
  const auto is_state = [](const at::Tensor& tensor, at::IntArrayRef shape) {
    return tensor.scalar_type() == at::kFloat && tensor.is_cpu() && tensor.is_contiguous() &&
           tensor.sizes() == shape;
  };
  PPR_BUG_IF_NOT(
      m.dim() == 2 && is_state(m, m.sizes()) && is_state(v, m.sizes()) && is_state(rows, m.sizes()),
      "RowAdam: rows, m and v must be contiguous float32 [S, d] of one shape on the CPU");
  PPR_BUG_IF_NOT(last_step.scalar_type() == at::kLong && last_step.is_cpu() && last_step.is_contiguous() &&
                     last_step.dim() == 1 && last_step.numel() == m.size(0),
                 "RowAdam: last_step must be a contiguous int64 vector with one entry a row");
}

}  // namespace ppr::train
