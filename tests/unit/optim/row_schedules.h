// Which rows of a table get gradients at which steps, for tests of row optimisers against all rows in double.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/random.h"

namespace ppr::optim {

// Which rows have gradients at which steps, and how large.
struct Schedule {
  static constexpr int64_t kWidth = 8;
  int64_t num_rows, num_steps;
  double gradient_size;
  std::vector<std::vector<int64_t>> touched_at;  // rows by step, from 1

  Schedule(int64_t rows, int64_t steps, double size)
      : num_rows(rows), num_steps(steps), gradient_size(size), touched_at(static_cast<size_t>(steps) + 1) {}

  const std::vector<int64_t>& Touched(int64_t step) const { return touched_at[static_cast<size_t>(step)]; }
  float Gradient(int64_t row, int64_t column, int64_t step) const {
    const RandomKey key = MakeRandomKey(3, RandomSite::kTest).With(row).With(step);
    return static_cast<float>(gradient_size * key.Normal(column));
  }
  at::Tensor Gradients(int64_t step) const {  // [touched, kWidth]
    at::Tensor gradients = at::empty({static_cast<int64_t>(Touched(step).size()), kWidth}, at::kFloat);
    float* g = gradients.data_ptr<float>();
    for (const int64_t row : Touched(step)) {
      for (int64_t c = 0; c < kWidth; ++c) *g++ = Gradient(row, c, step);
    }
    return gradients;
  }
};

// 48 rows with gaps drawn from 1..400, one that is left alone for 3,000 steps, one that is never touched.
inline constexpr int64_t kLongRow = 48, kUntouchedRow = 49;
inline Schedule RandomGaps(double gradient_size) {
  Schedule schedule(/*rows=*/50, /*steps=*/3'600, gradient_size);
  const RandomKey key = MakeRandomKey(5, RandomSite::kTest);
  for (int64_t row = 0; row < kLongRow; ++row) {
    int64_t step = 1 + static_cast<int64_t>(key.With(row).Below(60));
    for (uint64_t i = 1; step <= schedule.num_steps; ++i) {
      schedule.touched_at[static_cast<size_t>(step)].push_back(row);
      step += 1 + static_cast<int64_t>(key.With(row).Below(400, i));
    }
  }
  for (const size_t step : {1, 3, 200, 210, 400, 3400}) schedule.touched_at[step].push_back(kLongRow);
  return schedule;
}

inline at::Tensor StartRows(const Schedule& schedule) {
  at::Tensor start = at::empty({schedule.num_rows, Schedule::kWidth}, at::kFloat);
  float* values = start.data_ptr<float>();
  for (int64_t i = 0; i < start.numel(); ++i) {
    values[i] = static_cast<float>(0.02 * MakeRandomKey(4, RandomSite::kTest).Normal(i));
  }
  return start;
}

// By the definition, in double, on all rows at every step.
template <typename Entry, typename... Settings>
at::Tensor RunReference(const Schedule& schedule, const at::Tensor& start, const Settings&... settings) {
  std::vector<Entry> entries(static_cast<size_t>(start.numel()));
  for (int64_t i = 0; i < start.numel(); ++i) {
    entries[static_cast<size_t>(i)].p = start.data_ptr<float>()[i];
  }
  for (int64_t t = 1; t <= schedule.num_steps; ++t) {
    std::vector<double> gradients(entries.size());
    for (const int64_t row : schedule.Touched(t)) {
      for (int64_t c = 0; c < Schedule::kWidth; ++c) {
        gradients[static_cast<size_t>(row * Schedule::kWidth + c)] = schedule.Gradient(row, c, t);
      }
    }
    for (size_t i = 0; i < entries.size(); ++i) entries[i].Step(gradients[i], t, settings...);
  }
  at::Tensor result = at::empty(start.sizes(), at::kDouble);
  for (size_t i = 0; i < entries.size(); ++i) result.data_ptr<double>()[i] = entries[i].p;
  return result;
}

// |found - expected| / |expected - start|, L2.
inline double DisplacementError(const at::Tensor& found, const at::Tensor& expected,
                                const at::Tensor& start) {
  const at::Tensor error = found.to(at::kDouble) - expected.to(at::kDouble);
  return (error.norm() / (expected.to(at::kDouble) - start.to(at::kDouble)).norm()).item<double>();
}

inline double LargestError(const at::Tensor& found, const at::Tensor& expected) {
  return (found.to(at::kDouble) - expected.to(at::kDouble)).abs().max().item<double>();
}

}  // namespace ppr::optim
