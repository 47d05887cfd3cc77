// The encoder on one chunk, forward: embedding, blocks and final norm.
#pragma once

#include <cstdint>

#include "model/fused/chunk_activations.h"
#include "model/fused/dropout.h"
#include "model/fused/gemm.h"
#include "model/fused/vector_math.h"

namespace ppr::model::fused {

template <class V>
class EncoderForward : private ChunkActivations<V> {
 public:
  EncoderForward(const EncoderTask& task, Chunk chunk, float* saved, float* scratch)
      : ChunkActivations<V>(task, chunk, saved, scratch) {}

  // output [n, d].
  void Run(float* output) {
    Embed();
    for (int64_t b = 0; b < shape_.blocks; ++b) RunBlock(b);
    FinalNorm(HiddenAfter(shape_.blocks), n_, output);
  }

  // output [sequences of the chunk, d]: the row of each sequence's last token; zeros for an empty one. The
  // last block is computed for these rows only. Without dropout; there is no backward pass after it.
  void RunLast(float* output) {
    Embed();
    const int64_t last_block = shape_.blocks - 1;
    for (int64_t b = 0; b < last_block; ++b) RunBlock(b);
    const BlockActivations all = Activations(last_block);
    AttentionInput(last_block, all, n_);
    const float* const weight = Value(Block(last_block).qkv_weight);
    Multiply<V>({n_, 2 * d_, d_, RowsOf(all.attention_input, d_), weight + d_, 3 * d_, all.qkv + d_, 3 * d_,
                 Start::kBias, QkvBias(last_block) + d_});
    const int64_t rows = chunk_.last - chunk_.first;
    const BlockActivations last = LastRows(all, rows);
    Multiply<V>({rows, d_, d_, RowsOf(last.attention_input, d_), weight, 3 * d_, last.qkv, d_, Start::kBias,
                 QkvBias(last_block)});
    AttendLast(all, last);
    AfterAttention(last_block, last, rows, nullptr);
    FinalNorm(last.output, rows, output);
    for (int64_t s = 0; s < rows; ++s) {
      if (Tokens(s) == 0) SetZero(output + s * d_);
    }
  }

 private:
  using Base = ChunkActivations<V>;
  using Base::Activations, Base::Block, Base::FirstToken, Base::Head, Base::HiddenAfter, Base::Keys,
      Base::Masks, Base::Moments, Base::Tokens, Base::Value;
  using Base::chunk_, Base::d_, Base::first_token_, Base::layout_, Base::n_, Base::saved_, Base::scratch_,
      Base::shape_, Base::task_;
  using typename Base::BlockActivations;
  using typename Base::Floats;

  NormParameters Norm(int64_t gain, int64_t bias) const { return Base::NormOf(gain, bias, nullptr); }

  void SetZero(float* row) const {
    for (int64_t c = 0; c < d_; c += V::kLanes) V::Store(row + c, V::Zero());
  }

  void Embed() {
    const bool drops = shape_.dropout_threshold > 0;
    float* const hidden = HiddenAfter(0);
    float* const raw = shape_.embedding_norm ? saved_ + layout_.embedding_sum : hidden;
    uint8_t* const masks = Masks(layout_.embedding_masks);
    for (int64_t r = 0; r < n_; ++r) {
      constexpr int64_t kAhead = 6;
      if (r + kAhead < n_) PrefetchRow(task_.inputs[first_token_ + r + kAhead], d_);
      const float* const input = task_.inputs[first_token_ + r];
      const int64_t position = task_.positions[first_token_ + r];
      float* const row = raw + r * d_;
      if (position < 0) {
        for (int64_t c = 0; c < d_; c += V::kLanes) V::Store(row + c, V::Load(input + c));
      } else {
        const float* const place = Value(task_.offsets.positions) + position * d_;
        const Floats scale = V::Set(shape_.embedding_scale);
        for (int64_t c = 0; c < d_; c += V::kLanes)
          V::Store(row + c, V::MulAdd(V::Load(input + c), scale, V::Load(place + c)));
      }
    }
    if (shape_.embedding_norm) {
      NormaliseRows<V>(Norm(task_.offsets.embedding_gain, task_.offsets.embedding_bias), raw, n_, hidden,
                       Moments(layout_.embedding_moments));
    }
    for (int64_t r = 0; drops && r < n_; ++r)
      DropRow(r, /*site=*/0, hidden + r * d_, nullptr, masks, hidden + r * d_);
  }

  // to = [residual +] dropout(x) of one row; keeps the mask.
  PPR_FUSED_INLINE void DropRow(int64_t r, uint64_t site, const float* x, const float* residual,
                                uint8_t* masks, float* to) const {
    const DropoutDraw<V> draw(static_cast<uint64_t>(task_.token_keys[first_token_ + r]), site,
                              shape_.dropout_threshold);
    const Floats scale = V::Set(shape_.dropout_scale);
    uint8_t* mask = masks + r * d_ / 8;
    for (int64_t c = 0; c < d_; c += V::kLanes, mask += V::kLanes / 8) {
      const typename V::Mask keep = draw.Keep(static_cast<uint32_t>(c));
      V::StoreMask(mask, keep);
      const Floats kept = V::KeepWhere(keep, V::Mul(V::Load(x + c), scale));
      V::Store(to + c, residual == nullptr ? kept : V::Add(V::Load(residual + c), kept));
    }
  }

  // A whole block, for all tokens.
  void RunBlock(int64_t b) {
    const BlockActivations at = Activations(b);
    AttentionInput(b, at, n_);
    Multiply<V>({n_, 3 * d_, d_, RowsOf(at.attention_input, d_), Value(Block(b).qkv_weight), 3 * d_, at.qkv,
                 3 * d_, Start::kBias, QkvBias(b)});
    Attend(b, at);
    AfterAttention(b, at, n_, Keys());
  }

  // The norm before attention, when it is there.
  void AttentionInput(int64_t b, const BlockActivations& at, int64_t rows) {
    if (!shape_.pre_norm) return;
    NormaliseRows<V>(Norm(Block(b).norm1_gain, Block(b).norm1_bias), at.input, rows, at.attention_input,
                     at.input_moments);
  }

  // [3d]: query bias, zeros, value bias, side by side.
  const float* QkvBias(int64_t b) const {
    float* const bias = scratch_ + layout_.qkv_bias;
    for (int64_t c = 0; c < d_; c += V::kLanes) {
      V::Store(bias + c, V::Load(Value(Block(b).query_bias) + c));
      V::Store(bias + d_ + c, V::Zero());
      V::Store(bias + 2 * d_ + c, V::Load(Value(Block(b).value_bias) + c));
    }
    return bias;
  }

  void Attend(int64_t b, const BlockActivations& at) {
    float* weights = at.weights;
    for (int64_t s = 0; s < chunk_.last - chunk_.first; ++s) {
      for (int64_t h = 0; h < shape_.heads; ++h) {
        const AttentionHead head = Head(b, at, s, h, weights);
        AttentionForward<V>(head, scratch_ + layout_.transposed_head, scratch_ + layout_.kept_weights,
                            at.attended + FirstToken(s) * d_ + h * head.head_width, d_);
        weights += head.n * WholeVectors<V>(head.n);
      }
    }
  }

  // Output projection, residual, norm, feed-forward layer, residual, norm. keys: null without dropout.
  void AfterAttention(int64_t b, const BlockActivations& at, int64_t rows, const int64_t* keys) {
    const BlockOffsets& block = Block(b);
    float* const branch = scratch_ + layout_.branch;
    const float* projected = at.attended;
    if (shape_.output_projection) {
      Multiply<V>({rows, d_, d_, RowsOf(at.attended, d_), Value(block.output_weight), d_, branch, d_,
                   Start::kBias, Value(block.output_bias)});
      projected = branch;
    }
    const int64_t sum_gain = shape_.pre_norm ? block.norm2_gain : block.norm1_gain;
    const int64_t sum_bias = shape_.pre_norm ? block.norm2_bias : block.norm1_bias;
    const float* const attention_residual = Base::ResidualIsNorm() ? at.attention_input : at.input;
    for (int64_t r = 0; r < rows; ++r)
      AddBranch(r, SiteOf(b, kAttentionOutput), projected, attention_residual, keys, at.attention_masks,
                at.sum);
    NormaliseRows<V>(Norm(sum_gain, sum_bias), at.sum, rows, at.ffn_input, at.sum_moments);
    const int64_t f = shape_.ffn_width;
    Multiply<V>({rows, f, d_, RowsOf(at.ffn_input, d_), Value(block.ffn1_weight), f, at.inner, f,
                 Start::kBias, Value(block.ffn1_bias), /*relu=*/!shape_.gelu});
    if (shape_.gelu) Gelu(at.inner, rows * f, at.active);
    Multiply<V>({rows, d_, f, RowsOf(at.active, f), Value(block.ffn2_weight), d_, branch, d_, Start::kBias,
                 Value(block.ffn2_bias)});
    const float* const ffn_residual = Base::ResidualIsNorm() ? at.ffn_input : at.sum;
    for (int64_t r = 0; r < rows; ++r)
      AddBranch(r, SiteOf(b, kFfnOutput), branch, ffn_residual, keys, at.ffn_masks, at.output_sum);
    if (!shape_.pre_norm) {
      NormaliseRows<V>(Norm(block.norm2_gain, block.norm2_bias), at.output_sum, rows, at.output,
                       at.output_moments);
    }
  }

  // Row r of to = residual + dropout(branch).
  PPR_FUSED_INLINE void AddBranch(int64_t r, uint64_t site, const float* branch, const float* residual,
                                  const int64_t* keys, uint8_t* masks, float* to) const {
    const int64_t at = r * d_;
    if (keys != nullptr) {
      DropRow(r, site, branch + at, residual + at, masks, to + at);
      return;
    }
    for (int64_t c = at; c < at + d_; c += V::kLanes)
      V::Store(to + c, V::Add(V::Load(residual + c), V::Load(branch + c)));
  }

  void Gelu(const float* inner, int64_t count, float* active) const {
    for (int64_t i = 0; i < count; i += V::kLanes) {
      Floats density;
      const Floats x = V::Load(inner + i);
      V::Store(active + i, V::Mul(x, NormalDistribution<V>(x, density)));
    }
  }

  void FinalNorm(const float* hidden, int64_t rows, float* output) {
    if (shape_.final_norm) {
      NormaliseRows<V>(Norm(task_.offsets.final_gain, task_.offsets.final_bias), hidden, rows, output,
                       Moments(layout_.final_moments));
      return;
    }
    for (int64_t i = 0; i < rows * d_; i += V::kLanes) V::Store(output + i, V::Load(hidden + i));
  }

  // ---- the last tokens only ----

  // Compact activations of the last tokens, in scratch; input and attention input are copied there.
  BlockActivations LastRows(const BlockActivations& all, int64_t rows) const {
    BlockActivations last = all;
    float* next = scratch_ + layout_.last_rows;
    const auto take = [&](int64_t width) {
      float* const here = next;
      next += (rows + 1) * width;
      return here;
    };
    last.input = take(d_);
    last.attention_input = shape_.pre_norm ? take(d_) : last.input;
    last.qkv = take(d_);  // queries only
    last.attended = take(d_);
    last.sum = take(d_);
    last.ffn_input = take(d_);
    last.active = take(shape_.ffn_width);
    last.inner = shape_.gelu ? take(shape_.ffn_width) : last.active;
    last.output = take(d_);
    last.output_sum = shape_.pre_norm ? last.output : take(d_);
    for (int64_t s = 0; s < rows; ++s) {
      const int64_t token = Tokens(s) == 0 ? -1 : FirstToken(s) + Tokens(s) - 1;
      for (int64_t c = 0; c < d_; c += V::kLanes) {
        V::Store(last.input + s * d_ + c, token < 0 ? V::Zero() : V::Load(all.input + token * d_ + c));
        V::Store(last.attention_input + s * d_ + c,
                 token < 0 ? V::Zero() : V::Load(all.attention_input + token * d_ + c));
      }
    }
    return last;
  }

  // last.attended: what each sequence's last token attends to.
  void AttendLast(const BlockActivations& all, const BlockActivations& last) {
    const int64_t head_width = d_ / shape_.heads;
    const float scale = 1.0F / __builtin_sqrtf(static_cast<float>(head_width));
    float* const weights = scratch_ + layout_.kept_weights;
    for (int64_t s = 0; s < chunk_.last - chunk_.first; ++s) {
      const int64_t n = Tokens(s);
      for (int64_t h = 0; h < shape_.heads; ++h) {
        const float* const query = last.qkv + s * d_ + h * head_width;
        const float* const key = all.qkv + FirstToken(s) * 3 * d_ + d_ + h * head_width;
        for (int64_t j = 0; j < n; ++j) {
          Floats product = V::Zero();
          for (int64_t c = 0; c < head_width; c += V::kLanes) {
            product = V::MulAdd(V::LoadFirst(query + c, head_width - c),
                                V::LoadFirst(key + j * 3 * d_ + c, head_width - c), product);
          }
          weights[j] = V::Sum(product);
        }
        float* const to = last.attended + s * d_ + h * head_width;
        if (n > 0) {
          SoftmaxRow<V>(AttentionHead{}, n - 1, WholeVectors<V>(n), scale, weights, weights);
          Multiply<V>({1, head_width, n, RowsOf(weights, n), key + d_, 3 * d_, to, d_});
        } else {
          for (int64_t c = 0; c < head_width; ++c) to[c] = 0;
        }
      }
    }
  }
};

}  // namespace ppr::model::fused
