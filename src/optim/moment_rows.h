// Rows with two moments that decay at every step, and move their row, whether or not it has a gradient: a row
// is brought past the steps that it skipped when it is next needed. How, and what a step does, is the rule of
// the optimiser; the walk over rows, threads and checks are the same for all, and are here.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "optim/optimiser.h"

namespace ppr::optim {

// A row's state is (value, m, v, last step it was brought to). Allocates nothing that grows with the table
// once it is built. A call that finds a row at a step where it cannot be throws BugError, and leaves every
// row wholly at its old or at its new step.
class MomentRows : public RowOptimiser {
 public:
  bool AllRowsAt(int64_t step) const override;
  void AppendState(checkpoint::TrainingState* state) const override;
  int64_t BytesPerRow() const override;

  at::Tensor m, v;       // [S, d] f32
  at::Tensor last_step;  // [S] int64

 protected:
  MomentRows(int64_t num_rows, int64_t width);

  // The state of a table, by slot. Rows of a huge table are misses of the cache and of the page tables: what
  // a row's turn needs is asked for some rows before, its last step first, since that says whether the rest
  // is needed. Its prefetches are inlined by force: GCC takes a function that does nothing else for one
  // without effect, and drops the call.
  struct Table {
    static constexpr int64_t kLastStepsAhead = 24;
    static constexpr int64_t kRowsAhead = 8;

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
  static constexpr int64_t kRowGrain = 64;

  // Checks rows, state and step, and gives where they are.
  Table TableOf(const at::Tensor& rows, int64_t step) const;
  void CheckSlots(const at::Tensor& slots) const;
  void CheckGradients(const at::Tensor& gradients, int64_t num_slots) const;
  [[noreturn]] static void ThrowTooNew(int64_t slot, int64_t place, int64_t count, int64_t step,
                                       int64_t found);
  [[noreturn]] static void ThrowNotBefore(int64_t slot, int64_t place, int64_t count, int64_t step,
                                          int64_t found);
};

bool AllZero(const float* values, int64_t n);

// A Rule has
//   void Prepare(int64_t step);  // makes steps up to `step` known, before rows are brought there
//   void CatchUpRow(float* row, float* m, float* v, int64_t width, int64_t from_step, int64_t to_step) const;
//   auto StepOf(int64_t step) const;  // gives what is called as (row, m, v, gradient, width)
template <typename Rule>
class MomentRowsBy : public MomentRows {
 public:
  MomentRowsBy(int64_t num_rows, int64_t width, Rule rule)
      : MomentRows(num_rows, width), rule_(std::move(rule)) {}

  void CatchUp(at::Tensor rows, const at::Tensor& slots, int64_t step) override {
    const Table table = TableOf(rows, step);
    CheckSlots(slots);
    const int64_t* slot_at = slots.const_data_ptr<int64_t>();
    CatchUpEach(
        table, slots.numel(), [slot_at](int64_t i) { return slot_at[i]; }, step);
  }
  void CatchUpAll(at::Tensor rows, int64_t step) override {
    CatchUpEach(
        TableOf(rows, step), last_step.numel(), [](int64_t i) { return i; }, step);
  }
  void Update(at::Tensor rows, const at::Tensor& slots, const at::Tensor& gradients, int64_t step) override {
    const Table table = TableOf(rows, step);
    CheckSlots(slots);
    CheckGradients(gradients, slots.numel());
    const float* g = gradients.const_data_ptr<float>();
    UpdateEach(
        table, slots, [g, width = table.width](int64_t i, float*) { return g + i * width; }, step);
  }
  void Update(at::Tensor rows, const at::Tensor& slots, const RowGradient& gradient_of,
              int64_t step) override {
    const Table table = TableOf(rows, step);
    CheckSlots(slots);
    UpdateEach(
        table, slots,
        [&gradient_of](int64_t i, float* buffer) -> const float* {
          gradient_of(i, buffer);
          return buffer;
        },
        step);
  }
  void CopyCaughtUp(const at::Tensor& rows, int64_t first, int64_t step, const at::Tensor& to) override {
    const Table table = TableOf(rows, step);
    rule_.Prepare(step);
    float* const out = to.mutable_data_ptr<float>();
    const int64_t width = table.width;
    at::parallel_for(0, to.size(0), kRowGrain, [&](int64_t begin, int64_t end) {
      std::vector<float> moments(static_cast<size_t>(2 * width));
      for (int64_t i = begin; i < end; ++i) {
        const int64_t at = (first + i) * width;
        float* const row = out + i * width;
        std::copy_n(table.values + at, width, row);
        const int64_t from_step = table.LastStep(first + i);
        if (from_step >= step) continue;
        std::copy_n(table.m + at, width, moments.data());
        std::copy_n(table.v + at, width, moments.data() + width);
        rule_.CatchUpRow(row, moments.data(), moments.data() + width, width, from_step, step);
      }
    });
  }

 protected:
  const Rule& rule() const { return rule_; }

 private:
  template <typename SlotAt>
  void CatchUpEach(const Table& table, int64_t count, const SlotAt& slot_at, int64_t step) {
    rule_.Prepare(step);
    at::parallel_for(0, count, kRowGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        table.PrefetchAhead(slot_at, i, end, step);
        const int64_t slot = slot_at(i);
        const int64_t from_step = table.LastStep(slot);
        if (from_step < 0 || from_step > step) ThrowTooNew(slot, i, count, step, from_step);
        if (from_step == step || !table.Take(slot, from_step, step)) continue;
        const int64_t at = slot * table.width;
        rule_.CatchUpRow(table.values + at, table.m + at, table.v + at, table.width, from_step, step);
      }
    });
  }

  template <typename GradientAt>
  void UpdateEach(const Table& table, const at::Tensor& slots, const GradientAt& gradient_at, int64_t step) {
    const int64_t* slots_data = slots.const_data_ptr<int64_t>();
    const auto slot_at = [slots_data](int64_t i) { return slots_data[i]; };
    const auto step_row = rule_.StepOf(step);
    at::parallel_for(0, slots.numel(), kRowGrain, [&](int64_t begin, int64_t end) {
      std::vector<float> buffer(static_cast<size_t>(table.width));
      for (int64_t i = begin; i < end; ++i) {
        table.PrefetchAhead(slot_at, i, end, step);
        const int64_t slot = slot_at(i);
        const float* gradient = gradient_at(i, buffer.data());
        if (!table.Take(slot, step - 1, step))
          ThrowNotBefore(slot, i, slots.numel(), step, table.LastStep(slot));
        const int64_t at = slot * table.width;
        step_row(table.values + at, table.m + at, table.v + at, gradient, table.width);
      }
    });
  }

  Rule rule_;
};

}  // namespace ppr::optim
