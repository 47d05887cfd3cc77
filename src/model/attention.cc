#include "model/attention.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "base/errors.h"
#include "model/attention_kernel.h"
#include "model/dropout_bits.h"
#include "model/hash_dropout.h"
#include "model/parallel_groups.h"

namespace ppr::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr int64_t kGrainTokens = 64;

// What the kernel needs beside tensors.
struct KernelArguments {
  at::Tensor offsets;     // [B+1] int64
  at::Tensor token_keys;  // [T] int64, or undefined without dropout
  int64_t heads;
  uint64_t site;
  uint32_t threshold;
  AttentionSpan span;
};

int64_t LongestSequence(const int64_t* offsets, int64_t sequences) {
  int64_t longest = 0;
  for (int64_t b = 0; b < sequences; ++b) longest = std::max(longest, offsets[b + 1] - offsets[b]);
  return longest;
}

// Calls body(problem, first, last, scratch) over all sequences on ATen's threads.
template <typename Scalar, typename Body>
void ForSequences(const at::Tensor& qkv, const KernelArguments& arguments, const Body& body) {
  const int64_t* const offsets = arguments.offsets.const_data_ptr<int64_t>();
  const int64_t sequences = arguments.offsets.size(0) - 1;
  const int64_t width = qkv.size(1) / 3;
  const bool drops = arguments.threshold > 0;
  const AttentionProblem<Scalar> problem{qkv.const_data_ptr<Scalar>(),
                                         width,
                                         arguments.heads,
                                         offsets,
                                         drops ? arguments.token_keys.const_data_ptr<int64_t>() : nullptr,
                                         arguments.site,
                                         arguments.threshold,
                                         arguments.span};
  const int64_t scratch_size =
      AttentionScratchSize<Scalar>(LongestSequence(offsets, sequences), width / arguments.heads);
  ParallelOverGroups(offsets, sequences, kGrainTokens, [&](int64_t first, int64_t last) {
    std::vector<Scalar> scratch(static_cast<size_t>(scratch_size));
    body(problem, first, last, scratch.data());
  });
}

template <typename Scalar>
void RunForward(const at::Tensor& qkv, const KernelArguments& arguments, at::Tensor& output,
                at::Tensor& log_sum_exp) {
  Scalar* const to = output.mutable_data_ptr<Scalar>();
  Scalar* const saved = log_sum_exp.mutable_data_ptr<Scalar>();
  ForSequences<Scalar>(qkv, arguments,
                       [&](const auto& problem, int64_t first, int64_t last, Scalar* scratch) {
                         AttentionForward(problem, first, last, scratch, to, saved);
                       });
}

template <typename Scalar>
void RunBackward(const at::Tensor& qkv, const KernelArguments& arguments, const at::Tensor& log_sum_exp,
                 const at::Tensor& output_gradient, at::Tensor& qkv_gradient) {
  const Scalar* const saved = log_sum_exp.const_data_ptr<Scalar>();
  const Scalar* const from = output_gradient.const_data_ptr<Scalar>();
  Scalar* const to = qkv_gradient.mutable_data_ptr<Scalar>();
  ForSequences<Scalar>(qkv, arguments,
                       [&](const auto& problem, int64_t first, int64_t last, Scalar* scratch) {
                         AttentionBackward(problem, first, last, scratch, saved, from, to);
                       });
}

AttentionSpan SpanOf(bool causal) { return causal ? AttentionSpan::kCausal : AttentionSpan::kBidirectional; }

class AttentionFunction : public torch::autograd::Function<AttentionFunction> {
 public:
  static Variable forward(AutogradContext* context, const Variable& qkv, const at::Tensor& offsets,
                          const std::optional<at::Tensor>& dropout_keys, int64_t heads, int64_t site,
                          int64_t threshold, bool causal) {
    const at::Tensor packed = qkv.contiguous();
    const at::Tensor token_keys = dropout_keys.value_or(at::Tensor());
    at::Tensor output = at::empty({packed.size(0), packed.size(1) / 3}, packed.options());
    at::Tensor log_sum_exp = at::empty({packed.size(0), heads}, packed.options());
    const KernelArguments arguments{
        offsets,       token_keys, heads, static_cast<uint64_t>(site), static_cast<uint32_t>(threshold),
        SpanOf(causal)};
    if (packed.scalar_type() == at::kFloat) {
      RunForward<float>(packed, arguments, output, log_sum_exp);
    } else {
      RunForward<double>(packed, arguments, output, log_sum_exp);
    }
    context->save_for_backward({packed, log_sum_exp, offsets, token_keys});
    context->saved_data["heads"] = heads;
    context->saved_data["site"] = site;
    context->saved_data["threshold"] = threshold;
    context->saved_data["causal"] = causal;
    return output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& packed = saved[0];
    const KernelArguments arguments{saved[2],
                                    saved[3],
                                    context->saved_data["heads"].toInt(),
                                    static_cast<uint64_t>(context->saved_data["site"].toInt()),
                                    static_cast<uint32_t>(context->saved_data["threshold"].toInt()),
                                    SpanOf(context->saved_data["causal"].toBool())};
    const at::Tensor output_gradient = gradients[0].contiguous();
    at::Tensor qkv_gradient = at::empty_like(packed);
    if (packed.scalar_type() == at::kFloat) {
      RunBackward<float>(packed, arguments, saved[1], output_gradient, qkv_gradient);
    } else {
      RunBackward<double>(packed, arguments, saved[1], output_gradient, qkv_gradient);
    }
    return {qkv_gradient, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

void CheckArguments(int64_t tokens, int64_t width, const PackedLayout& layout,
                    const AttentionOptions& options) {
  PPR_BUG_IF_NOT(tokens == layout.num_tokens(), "attention got " + std::to_string(tokens) +
                                                    " tokens for a layout of " +
                                                    std::to_string(layout.num_tokens()));
  PPR_BUG_IF_NOT(options.heads > 0 && width % options.heads == 0,
                 std::to_string(options.heads) + " heads do not divide the width " + std::to_string(width));
  PPR_BUG_IF_NOT(options.dropout >= 0 && DropoutThreshold(options.dropout) < 65536,
                 "attention dropout " + std::to_string(options.dropout) + " is not in [0, 1)");
  PPR_BUG_IF_NOT(options.dropout == 0 || tokens == 0 || layout.token_keys.defined(),
                 "attention dropout needs layout.token_keys");
}

// One sequence and head: query, key, value [n, d/heads].
at::Tensor AttendDensely(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                         const at::Tensor& token_keys, int64_t head, const AttentionOptions& options) {
  const int64_t tokens = query.size(0);
  at::Tensor scores = at::matmul(query, key.t()) / std::sqrt(static_cast<double>(query.size(1)));
  if (options.span == AttentionSpan::kCausal) {
    const at::Tensor future = at::ones({tokens, tokens}, query.options().dtype(at::kBool)).triu(1);
    scores = scores.masked_fill(future, -std::numeric_limits<double>::infinity());
  }
  at::Tensor weights = at::softmax(scores, 1);
  const uint32_t threshold = DropoutThreshold(options.dropout);
  if (threshold > 0) {
    const at::Tensor lanes = at::arange(tokens, token_keys.options()) + (head << 20);
    const at::Tensor keep = DropoutKeepTensor(token_keys, options.site, lanes, threshold);
    weights = weights * keep.to(weights.scalar_type()) * DropoutScale(threshold);
  }
  return at::matmul(weights, value);
}

}  // namespace

at::Tensor PackedSelfAttention(const at::Tensor& qkv, const PackedLayout& layout,
                               const AttentionOptions& options) {
  const bool kernel_takes_it =
      qkv.is_cpu() && (qkv.scalar_type() == at::kFloat || qkv.scalar_type() == at::kDouble);
  if (!kernel_takes_it) {
    const std::vector<at::Tensor> parts = at::chunk(qkv, 3, 1);
    return PackedAttentionReference(parts[0], parts[1], parts[2], layout, options);
  }
  CheckArguments(qkv.size(0), qkv.size(1) / 3, layout, options);
  const at::Tensor offsets = at::tensor(layout.offsets, at::kLong);
  const auto token_keys = options.dropout > 0 && layout.token_keys.defined()
                              ? std::optional(layout.token_keys.contiguous())
                              : std::nullopt;
  return AttentionFunction::apply(qkv, offsets, token_keys, options.heads, static_cast<int64_t>(options.site),
                                  static_cast<int64_t>(DropoutThreshold(options.dropout)),
                                  options.span == AttentionSpan::kCausal);
}

at::Tensor PackedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const PackedLayout& layout, const AttentionOptions& options) {
  return PackedSelfAttention(at::cat({query, key, value}, 1), layout, options);
}

at::Tensor PackedAttentionReference(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                    const PackedLayout& layout, const AttentionOptions& options) {
  CheckArguments(query.size(0), query.size(1), layout, options);
  const int64_t head_width = query.size(1) / options.heads;
  std::vector<at::Tensor> rows{query.narrow(0, 0, 0)};  // so that an empty batch has something to concatenate
  for (int64_t b = 0; b < layout.num_sequences(); ++b) {
    const int64_t first = layout.offsets[static_cast<size_t>(b)];
    const int64_t tokens = layout.offsets[static_cast<size_t>(b) + 1] - first;
    const at::Tensor keys = options.dropout > 0 ? layout.token_keys.narrow(0, first, tokens) : at::Tensor();
    std::vector<at::Tensor> heads;
    for (int64_t head = 0; head < options.heads; ++head) {
      const auto part = [&](const at::Tensor& all) {
        return all.narrow(0, first, tokens).narrow(1, head * head_width, head_width);
      };
      heads.push_back(AttendDensely(part(query), part(key), part(value), keys, head, options));
    }
    rows.push_back(at::cat(heads, 1));
  }
  return at::cat(rows, 0);
}

}  // namespace ppr::model
