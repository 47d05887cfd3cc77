// Multi-head attention over packed sequences, causal or bidirectional, two ways: plain ATen (any device and
// dtype, the oracle) and a CPU kernel behind an autograd Function (float32, float64). Both draw the same
// dropout masks.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "model/encoder_config.h"
#include "model/packed_layout.h"

namespace ppr::model {

struct AttentionOptions {
  int64_t heads = 1;
  double dropout = 0;  // of the attention weights; needs layout.token_keys when > 0
  uint64_t site = 0;   // which dropout site of the encoder this is
  AttentionSpan span = AttentionSpan::kCausal;
};

// query, key, value [T, d], d divisible by heads; scale 1/sqrt(d / heads). Returns [T, d]. Token t of a
// sequence sees tokens of the same sequence: those up to and including t when causal, else all. The dropout
// decision for weight (t, j-th token of t's sequence, head) is DropoutKeep(token_keys[t], site, head * 2^20 +
// j).
at::Tensor PackedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const PackedLayout& layout, const AttentionOptions& options);
// The same for a fused projection: qkv [T, 3d] holds query, key and value side by side; its gradient is
// formed in place, without the copies that three slices would cost.
at::Tensor PackedSelfAttention(const at::Tensor& qkv, const PackedLayout& layout,
                               const AttentionOptions& options);
// The oracle: one dense masked softmax per sequence in ATen operators.
at::Tensor PackedAttentionReference(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                    const PackedLayout& layout, const AttentionOptions& options);

}  // namespace ppr::model
