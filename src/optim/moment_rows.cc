#include "optim/moment_rows.h"

#include <ATen/ATen.h>

#include <string>

#include "base/errors.h"
#include "base/text_format.h"

namespace ppr::optim {
namespace {

[[noreturn]] void ThrowBadSlot(int64_t slot, int64_t place, int64_t count, const std::string& problem) {
  throw BugError(
      Format("internal error: row optimiser: slot %lld at place %lld of %lld: ", static_cast<long long>(slot),
             static_cast<long long>(place), static_cast<long long>(count)) +
      problem);
}

}  // namespace

MomentRows::MomentRows(int64_t num_rows, int64_t width)
    : m(at::zeros({num_rows, width}, at::kFloat)),
      v(at::zeros({num_rows, width}, at::kFloat)),
      last_step(at::zeros({num_rows}, at::kLong)) {}

bool MomentRows::AllRowsAt(int64_t step) const {
  const int64_t* const at = last_step.const_data_ptr<int64_t>();
  return std::all_of(at, at + last_step.numel(), [step](int64_t found) { return found == step; });
}

void MomentRows::AppendState(checkpoint::TrainingState* state) const {
  const auto append = [state](const char* moment, const at::Tensor& tensor) {
    state->push_back({checkpoint::MomentOf(checkpoint::kItemRows, moment), tensor, checkpoint::Cut::kByRows});
  };
  append("m", m);
  append("v", v);
  append("last_step", last_step);
}

int64_t MomentRows::BytesPerRow() const {
  return 2 * m.size(1) * static_cast<int64_t>(sizeof(float)) + static_cast<int64_t>(sizeof(int64_t));
}

MomentRows::Table MomentRows::TableOf(const at::Tensor& rows, int64_t step) const {
  PPR_BUG_IF_NOT(step >= 0,
                 Format("row optimiser: steps are not negative, found %lld", static_cast<long long>(step)));
  const auto is_state = [](const at::Tensor& tensor, at::IntArrayRef shape) {
    return tensor.scalar_type() == at::kFloat && tensor.is_cpu() && tensor.is_contiguous() &&
           tensor.sizes() == shape;
  };
  PPR_BUG_IF_NOT(
      m.dim() == 2 && is_state(m, m.sizes()) && is_state(v, m.sizes()) && is_state(rows, m.sizes()),
      "row optimiser: rows, m and v must be contiguous float32 [S, d] of one shape on the CPU");
  PPR_BUG_IF_NOT(last_step.scalar_type() == at::kLong && last_step.is_cpu() && last_step.is_contiguous() &&
                     last_step.dim() == 1 && last_step.numel() == m.size(0),
                 "row optimiser: last_step must be a contiguous int64 vector with one entry a row");
  return {rows.mutable_data_ptr<float>(), m.mutable_data_ptr<float>(), v.mutable_data_ptr<float>(),
          last_step.mutable_data_ptr<int64_t>(), m.size(1)};
}

void MomentRows::CheckSlots(const at::Tensor& slots) const {
  PPR_BUG_IF_NOT(
      slots.dim() == 1 && slots.scalar_type() == at::kLong && slots.is_contiguous() && slots.is_cpu(),
      "row optimiser: slots must be a contiguous int64 vector on the CPU");
  const int64_t* slot_at = slots.const_data_ptr<int64_t>();
  const int64_t num_rows = last_step.numel();
  for (int64_t i = 0; i < slots.numel(); ++i) {
    if (slot_at[i] < 0 || slot_at[i] >= num_rows) {
      ThrowBadSlot(slot_at[i], i, slots.numel(),
                   Format("expected 0 <= slot < %lld", static_cast<long long>(num_rows)));
    }
  }
}

void MomentRows::CheckGradients(const at::Tensor& gradients, int64_t num_slots) const {
  PPR_BUG_IF_NOT(gradients.dim() == 2 && gradients.size(0) == num_slots && gradients.size(1) == m.size(1) &&
                     gradients.scalar_type() == at::kFloat && gradients.is_contiguous() && gradients.is_cpu(),
                 "row optimiser: gradients must be contiguous float32 [slots, width] on the CPU");
}

void MomentRows::ThrowTooNew(int64_t slot, int64_t place, int64_t count, int64_t step, int64_t found) {
  ThrowBadSlot(slot, place, count,
               Format("expected a row at or before step %lld, found it at step %lld",
                      static_cast<long long>(step), static_cast<long long>(found)));
}

void MomentRows::ThrowNotBefore(int64_t slot, int64_t place, int64_t count, int64_t step, int64_t found) {
  ThrowBadSlot(slot, place, count,
               Format("expected a row at step %lld, named once; found it at step %lld",
                      static_cast<long long>(step - 1), static_cast<long long>(found)));
}

bool AllZero(const float* values, int64_t n) {
  return std::all_of(values, values + n, [](float value) { return value == 0; });
}

}  // namespace ppr::optim
