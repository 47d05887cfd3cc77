// A chunk on its way through the encoder: its sizes, and where its activations and parameters are.
//
// Names follow model/encoder.cc, the readable reference. Both orders of norms share one shape: a block has an
// input, the attention's input (its norm, or itself), the sum after attention, the feed-forward input (the
// norm of that sum), the sum after it, and the output.
#pragma once

#include <cstdint>

#include "model/fused/causal_attention.h"
#include "model/fused/chunk_memory.h"
#include "model/fused/chunk_task.h"
#include "model/fused/layer_norm.h"

namespace ppr::model::fused {

// Dropout sites, as in model/encoder.cc.
inline constexpr uint64_t kAttentionWeights = 1, kAttentionOutput = 2, kFfnOutput = 3;
PPR_FUSED_INLINE constexpr uint64_t SiteOf(int64_t block, uint64_t place) {
  return static_cast<uint64_t>(block) * 4 + place;
}

template <class V>
class ChunkActivations {
 protected:
  using Floats = typename V::Floats;

  ChunkActivations(const EncoderTask& task, Chunk chunk, float* saved, float* scratch)
      : task_(task),
        shape_(task.shape),
        chunk_(chunk),
        first_token_(task.sequences[chunk.first]),
        n_(task.sequences[chunk.last] - first_token_),
        d_(shape_.width),
        layout_(LayOut<V>(shape_, task.sequences, chunk)),
        saved_(saved),
        scratch_(scratch) {}

  const BlockOffsets& Block(int64_t b) const { return task_.offsets.blocks[b]; }
  const float* Value(int64_t offset) const { return task_.values + offset; }
  const int64_t* Keys() const {
    return shape_.dropout_threshold > 0 ? task_.token_keys + first_token_ : nullptr;
  }
  int64_t Tokens(int64_t s) const {
    return task_.sequences[chunk_.first + s + 1] - task_.sequences[chunk_.first + s];
  }
  int64_t FirstToken(int64_t s) const { return task_.sequences[chunk_.first + s] - first_token_; }
  RowMoments* Moments(int64_t place) const { return reinterpret_cast<RowMoments*>(saved_ + place); }
  uint8_t* Masks(int64_t place) const { return reinterpret_cast<uint8_t*>(saved_ + place); }
  float* HiddenAfter(int64_t blocks) const {
    return saved_ + layout_.hidden[blocks > 0 ? 1 : 0] + HiddenShift(blocks);
  }
  int64_t HiddenShift(int64_t blocks) const { return blocks > 0 ? (blocks - 1) * layout_.block_size : 0; }

  // Whether residuals add the normalised input of a sub-layer (always, with norms behind) or the one before
  // it.
  bool ResidualIsNorm() const { return !shape_.pre_norm || shape_.residual_from_norm; }
  // The norm with these parameters; `gradients` as the flat parameters, or null.
  NormParameters NormOf(int64_t gain, int64_t bias, float* gradients) const {
    const bool trains = gradients != nullptr;
    return {Value(gain),
            Value(bias),
            shape_.epsilon,
            d_,
            trains ? gradients + gain : nullptr,
            trains ? gradients + bias : nullptr};
  }

  struct BlockActivations {
    float *input, *attention_input, *qkv, *weights, *attended, *sum, *ffn_input, *inner, *active, *output_sum,
        *output;
    uint8_t *attention_masks, *ffn_masks;
    RowMoments *input_moments, *sum_moments, *output_moments;
  };

  BlockActivations Activations(int64_t b) const {
    const BlockLayout& at = layout_.block;
    float* const base = saved_ + b * layout_.block_size;
    BlockActivations block{};
    block.input = HiddenAfter(b);
    block.attention_input = shape_.pre_norm ? base + at.attention_input : block.input;
    block.qkv = base + at.qkv;
    block.weights = base + at.weights;
    block.attended = base + at.attended;
    block.sum = base + at.sum;
    block.ffn_input = base + at.ffn_input;
    block.active = base + at.active;
    block.inner = shape_.gelu ? base + at.inner : block.active;
    block.output = HiddenAfter(b + 1);
    block.output_sum = shape_.pre_norm ? block.output : base + at.output_sum;
    block.attention_masks = reinterpret_cast<uint8_t*>(base + at.attention_masks);
    block.ffn_masks = reinterpret_cast<uint8_t*>(base + at.ffn_masks);
    block.input_moments = reinterpret_cast<RowMoments*>(base + at.input_moments);
    block.sum_moments = reinterpret_cast<RowMoments*>(base + at.sum_moments);
    block.output_moments = reinterpret_cast<RowMoments*>(base + at.output_moments);
    return block;
  }

  AttentionHead Head(int64_t b, const BlockActivations& at, int64_t s, int64_t head, float* weights) const {
    const int64_t head_width = d_ / shape_.heads;
    const float* const q = at.qkv + FirstToken(s) * 3 * d_ + head * head_width;
    return {.n = Tokens(s),
            .head_width = head_width,
            .q = q,
            .k = q + d_,
            .v = q + 2 * d_,
            .qkv_step = 3 * d_,
            .weights = weights,
            .token_keys = Keys() == nullptr ? nullptr : Keys() + FirstToken(s),
            .site = SiteOf(b, kAttentionWeights),
            .first_lane = static_cast<uint32_t>(head) << 20,
            .threshold = shape_.dropout_threshold,
            .dropout_scale = shape_.dropout_scale};
  }

  const EncoderTask& task_;
  const EncoderShape& shape_;
  const Chunk chunk_;
  const int64_t first_token_, n_, d_;
  const ChunkLayout layout_;
  float* const saved_;
  float* const scratch_;
};

}  // namespace ppr::model::fused
