#include "model/gather_rows.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cstring>

#include "base/errors.h"
#include "base/multi_target.h"
#include "model/parallel_groups.h"
#include "model/simd.h"

namespace ppr::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr int64_t kGrainRows = 256;

// to[row] := the sum of from[place] over the row's places, for rows [first, last).
template <typename Scalar>
PPR_INLINE void SumRows(const InvertedIndex& occurrences, int64_t first, int64_t last, const Scalar* from,
                        int64_t width, Scalar* to) {
  for (int64_t row = first; row < last; ++row) {
    Scalar* const sum = to + row * width;
    for (int64_t o = occurrences.starts[static_cast<size_t>(row)];
         o < occurrences.starts[static_cast<size_t>(row) + 1]; ++o) {
      simd::AddScaled<Scalar>(1, from + occurrences.places[static_cast<size_t>(o)] * width, sum, width);
    }
  }
}

PPR_MULTI_TARGET void SumRowsOfType(const InvertedIndex& occurrences, int64_t first, int64_t last,
                                    const float* from, int64_t width, float* to) {
  SumRows(occurrences, first, last, from, width, to);
}
PPR_MULTI_TARGET void SumRowsOfType(const InvertedIndex& occurrences, int64_t first, int64_t last,
                                    const double* from, int64_t width, double* to) {
  SumRows(occurrences, first, last, from, width, to);
}

template <typename Scalar>
at::Tensor Gather(const at::Tensor& source, const at::Tensor& index) {
  const int64_t width = source.size(1), rows = source.size(0);
  at::Tensor result = at::empty({index.numel(), width}, source.options());
  const Scalar* const from = source.const_data_ptr<Scalar>();
  const int64_t* const row_of = index.const_data_ptr<int64_t>();
  Scalar* const to = result.mutable_data_ptr<Scalar>();
  const auto row_bytes = static_cast<size_t>(width) * sizeof(Scalar);
  at::parallel_for(0, index.numel(), kGrainRows, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      PPR_BUG_IF_NOT(row_of[i] >= -1 && row_of[i] < rows, "row " + std::to_string(row_of[i]) + " at place " +
                                                              std::to_string(i) + " of an index into " +
                                                              std::to_string(rows) + " rows");
      if (row_of[i] < 0) {
        std::memset(to + i * width, 0, row_bytes);
      } else {
        std::memcpy(to + i * width, from + row_of[i] * width, row_bytes);
      }
    }
  });
  return result;
}

template <typename Scalar>
at::Tensor Scatter(const at::Tensor& gradient, const at::Tensor& index, int64_t rows) {
  const InvertedIndex occurrences(index.const_data_ptr<int64_t>(), index.numel(), rows);
  at::Tensor result = at::zeros({rows, gradient.size(1)}, gradient.options());
  const Scalar* const from = gradient.const_data_ptr<Scalar>();
  Scalar* const to = result.mutable_data_ptr<Scalar>();
  ParallelOverGroups(occurrences.starts.data(), rows, kGrainRows, [&](int64_t first, int64_t last) {
    SumRowsOfType(occurrences, first, last, from, gradient.size(1), to);
  });
  return result;
}

class GatherRowsFunction : public torch::autograd::Function<GatherRowsFunction> {
 public:
  static Variable forward(AutogradContext* context, const Variable& source, const at::Tensor& index) {
    context->save_for_backward({index});
    context->saved_data["rows"] = source.size(0);
    const at::Tensor rows = source.contiguous();
    return rows.scalar_type() == at::kFloat ? Gather<float>(rows, index) : Gather<double>(rows, index);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::Tensor index = context->get_saved_variables()[0];
    const int64_t rows = context->saved_data["rows"].toInt();
    const at::Tensor gradient = gradients[0].contiguous();
    return {gradient.scalar_type() == at::kFloat ? Scatter<float>(gradient, index, rows)
                                                 : Scatter<double>(gradient, index, rows),
            at::Tensor()};
  }
};

}  // namespace

InvertedIndex::InvertedIndex(const int64_t* index, int64_t n, int64_t rows)
    : starts(static_cast<size_t>(rows) + 2) {
  for (int64_t i = 0; i < n; ++i) {
    PPR_BUG_IF_NOT(index[i] >= -1 && index[i] < rows, "row " + std::to_string(index[i]) + " at place " +
                                                          std::to_string(i) + " of an index into " +
                                                          std::to_string(rows) + " rows");
    if (index[i] >= 0) ++starts[static_cast<size_t>(index[i]) + 2];
  }
  // starts[r + 1] counts up from row r's first place to its last while places are dealt out; the spare end is
  // dropped.
  for (size_t r = 2; r < starts.size(); ++r) starts[r] += starts[r - 1];
  places.resize(static_cast<size_t>(starts.back()));
  for (int64_t i = 0; i < n; ++i) {
    if (index[i] >= 0) places[static_cast<size_t>(starts[static_cast<size_t>(index[i]) + 1]++)] = i;
  }
  starts.pop_back();
}

at::Tensor GatherRows(const at::Tensor& source, const at::Tensor& index) {
  std::vector<int64_t> shape = index.sizes().vec();
  shape.push_back(source.size(1));
  const at::Tensor flat = index.reshape({-1}).contiguous();
  const bool kernel_takes_it =
      source.is_cpu() && (source.scalar_type() == at::kFloat || source.scalar_type() == at::kDouble);
  if (kernel_takes_it) return GatherRowsFunction::apply(source, flat).view(shape);
  const at::Tensor present = flat.ge(0).to(source.scalar_type()).unsqueeze(1);
  return (source.index_select(0, flat.clamp_min(0)) * present).view(shape);
}

}  // namespace ppr::model
