#include "model/hash_dropout.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <string>

#include "base/errors.h"
#include "base/multi_target.h"
#include "model/dropout_bits.h"
#include "model/simd.h"

namespace ppr::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr int64_t kGrainElements = 16384;

// Rows [first, last) of [T, width] tensors; residual may be null.
template <typename Scalar>
struct DropoutRows {
  const Scalar* input;
  const Scalar* residual;
  Scalar* output;
  int64_t width;
  const int64_t* token_keys;
  uint64_t site;
  uint32_t threshold;
};

template <typename Scalar>
PPR_INLINE void DropRows(const DropoutRows<Scalar>& rows, int64_t first, int64_t last) {
  const auto scale = static_cast<Scalar>(DropoutScale(rows.threshold));
  const auto lanes = static_cast<uint32_t>(rows.width);
  const uint64_t site = rows.site;
  const uint32_t threshold = rows.threshold;
  for (int64_t row = first; row < last; ++row) {
    const auto key = static_cast<uint64_t>(rows.token_keys[row]);
    const Scalar* __restrict in = rows.input + row * rows.width;
    Scalar* __restrict out = rows.output + row * rows.width;
    if (rows.residual == nullptr) {
      for (uint32_t lane = 0; lane < lanes; ++lane) {
        out[lane] = DropoutKeep(key, site, lane, threshold) ? in[lane] * scale : Scalar{0};
      }
    } else {
      const Scalar* __restrict residual = rows.residual + row * rows.width;
      for (uint32_t lane = 0; lane < lanes; ++lane) {
        out[lane] = residual[lane] + (DropoutKeep(key, site, lane, threshold) ? in[lane] * scale : Scalar{0});
      }
    }
  }
}

PPR_MULTI_TARGET void DropRowsOfType(const DropoutRows<float>& rows, int64_t first, int64_t last) {
  DropRows(rows, first, last);
}
PPR_MULTI_TARGET void DropRowsOfType(const DropoutRows<double>& rows, int64_t first, int64_t last) {
  DropRows(rows, first, last);
}

template <typename Scalar>
at::Tensor DropOnCpu(const at::Tensor& input, const at::Tensor& residual, const at::Tensor& token_keys,
                     uint64_t site, uint32_t threshold) {
  const at::Tensor rows_in = input.contiguous();
  const at::Tensor residual_in = residual.defined() ? residual.contiguous() : residual;
  const at::Tensor keys = token_keys.contiguous();
  at::Tensor output = at::empty_like(rows_in);
  const DropoutRows<Scalar> rows{rows_in.const_data_ptr<Scalar>(),
                                 residual_in.defined() ? residual_in.const_data_ptr<Scalar>() : nullptr,
                                 output.mutable_data_ptr<Scalar>(),
                                 input.size(1),
                                 keys.const_data_ptr<int64_t>(),
                                 site,
                                 threshold};
  const int64_t grain_rows = std::max<int64_t>(1, kGrainElements / std::max<int64_t>(1, input.size(1)));
  at::parallel_for(0, input.size(0), grain_rows,
                   [&](int64_t first, int64_t last) { DropRowsOfType(rows, first, last); });
  return output;
}

// [residual +] mask * scale * input, without autograd.
at::Tensor Drop(const at::Tensor& input, const at::Tensor& residual, const at::Tensor& token_keys,
                uint64_t site, uint32_t threshold) {
  const bool residual_fits = !residual.defined() || residual.scalar_type() == input.scalar_type();
  if (input.is_cpu() && residual_fits && input.scalar_type() == at::kFloat) {
    return DropOnCpu<float>(input, residual, token_keys, site, threshold);
  }
  if (input.is_cpu() && residual_fits && input.scalar_type() == at::kDouble) {
    return DropOnCpu<double>(input, residual, token_keys, site, threshold);
  }
  const at::Tensor lanes = at::arange(input.size(1), token_keys.options());
  const at::Tensor keep = DropoutKeepTensor(token_keys, site, lanes, threshold);
  const at::Tensor dropped = input * keep.to(input.scalar_type()) * DropoutScale(threshold);
  return residual.defined() ? residual + dropped : dropped;
}

class HashDropoutFunction : public torch::autograd::Function<HashDropoutFunction> {
 public:
  static Variable forward(AutogradContext* context, const Variable& input,
                          const std::optional<at::Tensor>& residual, const Variable& token_keys, int64_t site,
                          int64_t threshold) {
    context->save_for_backward({token_keys});
    context->saved_data["site"] = site;
    context->saved_data["threshold"] = threshold;
    context->saved_data["has_residual"] = residual.has_value();
    return Drop(input, residual.value_or(at::Tensor()), token_keys, static_cast<uint64_t>(site),
                static_cast<uint32_t>(threshold));
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::Tensor token_keys = context->get_saved_variables()[0];
    const auto site = static_cast<uint64_t>(context->saved_data["site"].toInt());
    const auto threshold = static_cast<uint32_t>(context->saved_data["threshold"].toInt());
    const bool has_residual = context->saved_data["has_residual"].toBool();
    return {Drop(gradients[0], at::Tensor(), token_keys, site, threshold),
            has_residual ? gradients[0] : at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

at::Tensor ApplyDropout(const at::Tensor& input, const at::Tensor& residual, const at::Tensor& token_keys,
                        uint64_t site, double rate) {
  PPR_BUG_IF_NOT(rate >= 0 && rate < 1 && DropoutThreshold(rate) < 65536,
                 "dropout rate " + std::to_string(rate) + " is not in [0, 1)");
  const uint32_t threshold = DropoutThreshold(rate);
  if (threshold == 0 || input.numel() == 0) return residual.defined() ? residual + input : input;
  PPR_BUG_IF_NOT(token_keys.defined() && token_keys.size(0) == input.size(0),
                 "dropout needs one token key for each of " + std::to_string(input.size(0)) + " rows");
  return HashDropoutFunction::apply(input, residual.defined() ? std::optional(residual) : std::nullopt,
                                    token_keys, static_cast<int64_t>(site), static_cast<int64_t>(threshold));
}

}  // namespace

at::Tensor HashDropout(const at::Tensor& input, const at::Tensor& token_keys, uint64_t site, double rate) {
  return ApplyDropout(input, at::Tensor(), token_keys, site, rate);
}

at::Tensor AddHashDropout(const at::Tensor& residual, const at::Tensor& branch, const at::Tensor& token_keys,
                          uint64_t site, double rate) {
  return ApplyDropout(branch, residual, token_keys, site, rate);
}

at::Tensor DropoutKeepTensor(const at::Tensor& token_keys, uint64_t site, const at::Tensor& lanes,
                             uint32_t threshold) {
  // DropoutBits in 64-bit integers: products wrap modulo 2^64, which keeps their low 32 bits right.
  constexpr int64_t kLow32 = 0xFFFFFFFF;
  const auto site_word = static_cast<int64_t>(static_cast<uint32_t>(site) * 0x85EBCA77U);
  const at::Tensor low = token_keys.bitwise_and(kLow32).unsqueeze(1);
  const at::Tensor high =
      (token_keys.bitwise_right_shift(32).bitwise_and(kLow32) + site_word).bitwise_and(kLow32);
  at::Tensor x = low.bitwise_xor((lanes * int64_t{0x9E3779B1}).bitwise_and(kLow32).unsqueeze(0));
  x = x.bitwise_xor(high.unsqueeze(1));
  x = (x.bitwise_xor(x.bitwise_right_shift(16)) * int64_t{0x7FEB352D}).bitwise_and(kLow32);
  x = (x.bitwise_xor(x.bitwise_right_shift(15)) * int64_t{0x846CA68B}).bitwise_and(kLow32);
  x = x.bitwise_xor(x.bitwise_right_shift(16));
  return x.bitwise_right_shift(16).ge(static_cast<int64_t>(threshold));
}

}  // namespace ppr::model
