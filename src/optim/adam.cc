#include "optim/adam.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/text_format.h"

namespace ppr::optim {

namespace {

constexpr int64_t kDenseGrain = 1 << 14;  // entries: about 10 us of work, well above the cost of a task
constexpr int64_t kRowGrain = 64;

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

// Rows of a huge table are misses of the cache and of the page tables: what a row's turn needs is asked for
// some rows before, its last step first, since that says whether the rest is needed.
constexpr int64_t kLastStepsAhead = 24;
constexpr int64_t kRowsAhead = 8;

// The state of a table, by slot. Its prefetches are inlined by force: GCC takes a function that does nothing
// else for one without effect, and drops the call.
struct TableState {
  float *values, *m, *v;  // [S, width]
  int64_t* last_step;     // [S]
  int64_t width;

  // A row is brought to a step by the one place of a call that takes it there.
  int64_t LastStep(int64_t slot) const {
    return std::atomic_ref(last_step[slot]).load(std::memory_order_relaxed);
  }
  bool Take(int64_t slot, int64_t from_step, int64_t to_step) const {
    return std::atomic_ref(last_step[slot])
        .compare_exchange_strong(from_step, to_step, std::memory_order_relaxed);
  }

  // Before place i of [.., end) has its turn; a row that is at `done` already needs nothing.
  template <typename SlotAt>
  [[gnu::always_inline]] void PrefetchAhead(const SlotAt& slot_at, int64_t i, int64_t end,
                                            int64_t done) const {
    if (i + kLastStepsAhead < end) __builtin_prefetch(last_step + slot_at(i + kLastStepsAhead), 1);
    if (i + kRowsAhead < end && LastStep(slot_at(i + kRowsAhead)) != done) {
      PrefetchRow(slot_at(i + kRowsAhead));
    }
  }
  [[gnu::always_inline]] void PrefetchRow(int64_t slot) const {
    constexpr int64_t kLine = 16;  // floats
    for (int64_t i = slot * width; i < (slot + 1) * width; i += kLine) {
      __builtin_prefetch(values + i, 1);
      __builtin_prefetch(m + i, 1);
      __builtin_prefetch(v + i, 1);
    }
  }
};

const AdamConfig& Checked(const AdamConfig& config) {
  PPR_BUG_IF_NOT(config.Problems().empty(), "Adam: " + config.Problems().front());
  return config;
}

[[noreturn]] void ThrowBadSlot(int64_t slot, int64_t place, int64_t count, const std::string& problem) {
  throw BugError(
      Format("internal error: RowAdam: slot %lld at place %lld of %lld: ", static_cast<long long>(slot),
             static_cast<long long>(place), static_cast<long long>(count)) +
      problem);
}

bool AllZero(const float* values, int64_t n) {
  return std::all_of(values, values + n, [](float value) { return value == 0; });
}

// Whether the rule is exact for all entries of a row that it moves.
bool Fits(const SkippedSteps::Rule& rule, const float* m, const float* v, int64_t width) {
  if (rule.least_v == 0) return true;
  for (int64_t i = 0; i < width; ++i) {
    if (v[i] < rule.least_v && m[i] != 0) return false;
  }
  return true;
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

RowAdam::RowAdam(const AdamConfig& config, const LearningRate& rate, int64_t num_rows, int64_t width,
                 CatchUpRule rule)
    : m(at::zeros({num_rows, width}, at::kFloat)),
      v(at::zeros({num_rows, width}, at::kFloat)),
      last_step(at::zeros({num_rows}, at::kLong)),
      config_(Checked(config)),
      rate_(rate),
      rule_(rule),
      replay_limit_(ReplayLimit(config)),
      coefficients_(config, rate, replay_limit_),
      skipped_steps_(config, replay_limit_) {}

void RowAdam::CatchUp(at::Tensor rows, const at::Tensor& slots, int64_t step) {
  CheckState(rows, step);
  CheckSlots(slots);
  const int64_t* slot_at = slots.data_ptr<int64_t>();
  CatchUpEach(
      rows.data_ptr<float>(), slots.numel(), [slot_at](int64_t i) { return slot_at[i]; }, step);
}

void RowAdam::CatchUpAll(at::Tensor rows, int64_t step) {
  CheckState(rows, step);
  CatchUpEach(
      rows.data_ptr<float>(), last_step.numel(), [](int64_t i) { return i; }, step);
}

void RowAdam::Update(at::Tensor rows, const at::Tensor& slots, const at::Tensor& gradients, int64_t step) {
  CheckState(rows, step);
  CheckSlots(slots);
  const int64_t width = m.size(1);
  PPR_BUG_IF_NOT(gradients.dim() == 2 && gradients.size(0) == slots.numel() && gradients.size(1) == width &&
                     gradients.scalar_type() == at::kFloat && gradients.is_contiguous() && gradients.is_cpu(),
                 "RowAdam: gradients must be contiguous float32 [slots, width] on the CPU");
  const float* g = gradients.data_ptr<float>();
  UpdateEach(
      rows.data_ptr<float>(), slots, [=](int64_t i, float*) { return g + i * width; }, step);
}

void RowAdam::Update(at::Tensor rows, const at::Tensor& slots, const RowGradient& gradient_of, int64_t step) {
  CheckState(rows, step);
  CheckSlots(slots);
  UpdateEach(
      rows.data_ptr<float>(), slots,
      [&gradient_of](int64_t i, float* buffer) -> const float* {
        gradient_of(i, buffer);
        return buffer;
      },
      step);
}

void RowAdam::PrepareRules(int64_t step) {
  coefficients_.ReachTo(step);
  if (rule_ == CatchUpRule::kGaussRule) skipped_steps_.AdvanceTo(step, coefficients_);
}

template <typename SlotAt>
void RowAdam::CatchUpEach(float* values, int64_t count, const SlotAt& slot_at, int64_t step) {
  PrepareRules(step);
  const TableState table{values, m.data_ptr<float>(), v.data_ptr<float>(), last_step.data_ptr<int64_t>(),
                         m.size(1)};
  at::parallel_for(0, count, kRowGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      table.PrefetchAhead(slot_at, i, end, step);
      const int64_t slot = slot_at(i);
      const int64_t from_step = table.LastStep(slot);
      if (from_step < 0 || from_step > step) {
        ThrowBadSlot(slot, i, count,
                     Format("expected a row at or before step %lld, found it at step %lld",
                            static_cast<long long>(step), static_cast<long long>(from_step)));
      }
      if (from_step == step || !table.Take(slot, from_step, step)) continue;
      const int64_t at = slot * table.width;
      CatchUpRow(table.values + at, table.m + at, table.v + at, from_step, step);
    }
  });
}

template <typename GradientAt>
void RowAdam::UpdateEach(float* values, const at::Tensor& slots, const GradientAt& gradient_at,
                         int64_t step) {
  PPR_BUG_IF_NOT(step >= 1, Format("Adam steps count from 1, found %lld", static_cast<long long>(step)));
  const TableState table{values, m.data_ptr<float>(), v.data_ptr<float>(), last_step.data_ptr<int64_t>(),
                         m.size(1)};
  const int64_t* slots_data = slots.data_ptr<int64_t>();
  const auto slot_at = [slots_data](int64_t i) { return slots_data[i]; };
  const AdamConstants<float> constants = ConstantsOf<float>(config_);
  const AdamCoefficients<float> coefficients = CoefficientsOf<float>(config_, rate_, step);
  at::parallel_for(0, slots.numel(), kRowGrain, [&](int64_t begin, int64_t end) {
    std::vector<float> buffer(static_cast<size_t>(table.width));
    for (int64_t i = begin; i < end; ++i) {
      table.PrefetchAhead(slot_at, i, end, step);
      const int64_t slot = slot_at(i);
      const float* gradient = gradient_at(i, buffer.data());
      if (!table.Take(slot, step - 1, step)) {
        ThrowBadSlot(slot, i, slots.numel(),
                     Format("expected a row at step %lld, named once; found it at step %lld",
                            static_cast<long long>(step - 1), static_cast<long long>(table.LastStep(slot))));
      }
      const int64_t at = slot * table.width;
      AdamStep(table.values + at, table.m + at, table.v + at, gradient, table.width, constants, coefficients);
    }
  });
}

void RowAdam::CatchUpRow(float* row, float* first, float* second, int64_t from_step, int64_t to_step) const {
  const int64_t width = m.size(1);
  if (AllZero(first, width) && AllZero(second, width)) return;
  if (rule_ == CatchUpRule::kReplay) return ReplayRow(row, first, second, from_step, to_step);
  const SkippedSteps::Rule& rule = skipped_steps_.From(from_step);
  if (!Fits(rule, first, second, width)) return ReplayRow(row, first, second, from_step, to_step);
  const int64_t skipped = to_step - from_step;
  AdamSkip(row, first, second, width, rule.nodes, skipped_steps_.FirstDecay(skipped),
           skipped_steps_.SecondDecay(skipped));
}

void RowAdam::ReplayRow(float* row, float* first, float* second, int64_t from_step, int64_t to_step) const {
  const int64_t width = m.size(1);
  const int64_t skipped = to_step - from_step;
  const int64_t replayed = std::min(skipped, replay_limit_);
  AdamReplay(row, first, second, width, ConstantsOf<float>(config_), coefficients_.After(from_step),
             replayed);
  if (skipped > replayed) {
    AdamDecay(first, second, width, skipped_steps_.FirstDecay(skipped - replayed),
              skipped_steps_.SecondDecay(skipped - replayed));
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

void RowAdam::CheckSlots(const at::Tensor& slots) const {
  PPR_BUG_IF_NOT(
      slots.dim() == 1 && slots.scalar_type() == at::kLong && slots.is_contiguous() && slots.is_cpu(),
      "RowAdam: slots must be a contiguous int64 vector on the CPU");
  const int64_t* slot_at = slots.data_ptr<int64_t>();
  const int64_t num_rows = last_step.numel();
  for (int64_t i = 0; i < slots.numel(); ++i) {
    if (slot_at[i] < 0 || slot_at[i] >= num_rows) {
      ThrowBadSlot(slot_at[i], i, slots.numel(),
                   Format("expected 0 <= slot < %lld", static_cast<long long>(num_rows)));
    }
  }
}

}  // namespace ppr::optim
