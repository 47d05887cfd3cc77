// The encoder on one chunk: embedding, blocks and final norm forward, and the whole way back.
//
// Names follow model/encoder.cc, the readable reference. Both orders of norms share one shape: a block has an
// input, the attention's input (its norm, or itself), the sum after attention, the feed-forward input (the
// norm of that sum), the sum after it, and the output.
#pragma once

#include <cstdint>

#include "model/fused/causal_attention.h"
#include "model/fused/chunk_memory.h"
#include "model/fused/chunk_task.h"
#include "model/fused/gemm.h"
#include "model/fused/layer_norm.h"
#include "model/fused/vector_math.h"

namespace ppr::model::fused {

// Dropout sites, as in model/encoder.cc.
inline constexpr uint64_t kAttentionWeights = 1, kAttentionOutput = 2, kFfnOutput = 3;
PPR_FUSED_INLINE constexpr uint64_t SiteOf(int64_t block, uint64_t place) {
  return static_cast<uint64_t>(block) * 4 + place;
}

// bias += the sum over rows of x [rows, columns].
template <class V>
void AddColumnSums(const float* x, int64_t step, int64_t rows, int64_t columns, float* bias) {
  for (int64_t c = 0; c < columns; c += V::kLanes) {
    typename V::Floats even = V::Load(bias + c), odd = V::Zero();
    int64_t r = 0;
    for (; r + 2 <= rows; r += 2) {
      even = V::Add(even, V::Load(x + r * step + c));
      odd = V::Add(odd, V::Load(x + (r + 1) * step + c));
    }
    if (r < rows) even = V::Add(even, V::Load(x + r * step + c));
    V::Store(bias + c, V::Add(even, odd));
  }
}

template <class V>
class EncoderChunk {
 public:
  using Floats = typename V::Floats;

  EncoderChunk(const EncoderTask& task, Chunk chunk, float* saved, float* scratch)
      : task_(task),
        shape_(task.shape),
        chunk_(chunk),
        first_token_(task.sequences[chunk.first]),
        n_(task.sequences[chunk.last] - first_token_),
        d_(shape_.width),
        layout_(LayOut<V>(shape_, task.sequences, chunk)),
        saved_(saved),
        scratch_(scratch) {}

  // output [n, d].
  void Forward(float* output) {
    Embed();
    for (int64_t b = 0; b < shape_.blocks; ++b) {
      const BlockActivations at = Activations(b);
      AttentionInput(b, at, n_);
      Multiply<V>({n_, 3 * d_, d_, RowsOf(at.attention_input, d_), Weight(Block(b).qkv_weight), 3 * d_,
                   at.qkv, 3 * d_, Start::kBias, QkvBias(b)});
      Attend(b, at);
      AfterAttention(b, at, n_, Keys());
    }
    FinalNorm(HiddenAfter(shape_.blocks), n_, output);
  }

  // output [sequences of the chunk, d]: the row of each sequence's last token; zeros for an empty one. The
  // last block is computed for these rows only. Without dropout; there is no backward pass after it.
  void ForwardLast(float* output) {
    Embed();
    const int64_t last_block = shape_.blocks - 1;
    for (int64_t b = 0; b < last_block; ++b) {
      const BlockActivations at = Activations(b);
      AttentionInput(b, at, n_);
      Multiply<V>({n_, 3 * d_, d_, RowsOf(at.attention_input, d_), Weight(Block(b).qkv_weight), 3 * d_,
                   at.qkv, 3 * d_, Start::kBias, QkvBias(b)});
      Attend(b, at);
      AfterAttention(b, at, n_, nullptr);
    }
    const BlockActivations all = Activations(last_block);
    AttentionInput(last_block, all, n_);
    const float* const weight = Weight(Block(last_block).qkv_weight);
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

  // d_output [n, d] is used up. gradients: laid out as the flat parameters, added to; null = the encoder is
  // frozen. d_inputs [n, d]: written.
  void Backward(float* d_output, float* gradients, float* d_inputs) {
    gradients_ = gradients;
    float* const d = d_output;
    if (shape_.final_norm) {
      const float* const x = HiddenAfter(shape_.blocks);
      const RowMoments* const moments = Moments(layout_.final_moments);
      for (int64_t r = 0; r < n_; ++r) {
        NormaliseRowBackward<V>(x + r * d_, moments[r], Value(task_.offsets.final_gain), d + r * d_, d_,
                                nullptr, d + r * d_, Gradient(task_.offsets.final_gain),
                                Gradient(task_.offsets.final_bias));
      }
    }
    for (int64_t b = shape_.blocks - 1; b >= 0; --b) {
      const BlockActivations at = Activations(b);
      FeedForwardBackward(b, at, d);
      AttendBackward(b, at, d);
    }
    EmbedBackward(d, d_inputs);
  }

 private:
  // ---- where things are ----

  const BlockOffsets& Block(int64_t b) const { return task_.offsets.blocks[b]; }
  const float* Value(int64_t offset) const { return task_.values + offset; }
  const float* Weight(int64_t offset) const { return task_.values + offset; }
  float* Gradient(int64_t offset) const { return gradients_ == nullptr ? nullptr : gradients_ + offset; }
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

  // ---- forward ----

  void SetZero(float* row) const {
    for (int64_t c = 0; c < d_; c += V::kLanes) V::Store(row + c, V::Zero());
  }

  void Embed() {
    const bool drops = shape_.dropout_threshold > 0;
    float* const hidden = HiddenAfter(0);
    float* const raw = shape_.embedding_norm ? saved_ + layout_.embedding_sum : hidden;
    uint8_t* const masks = Masks(layout_.embedding_masks);
    for (int64_t r = 0; r < n_; ++r) {
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
      if (shape_.embedding_norm) {
        Moments(layout_.embedding_moments)[r] =
            NormaliseRow<V>(row, Value(task_.offsets.embedding_gain), Value(task_.offsets.embedding_bias),
                            shape_.epsilon, d_, hidden + r * d_);
      }
      if (drops) DropRow(r, /*site=*/0, hidden + r * d_, nullptr, masks, hidden + r * d_);
    }
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

  // The norm before attention, when it is there.
  void AttentionInput(int64_t b, const BlockActivations& at, int64_t rows) {
    if (!shape_.pre_norm) return;
    for (int64_t r = 0; r < rows; ++r) {
      at.input_moments[r] =
          NormaliseRow<V>(at.input + r * d_, Value(Block(b).norm1_gain), Value(Block(b).norm1_bias),
                          shape_.epsilon, d_, at.attention_input + r * d_);
    }
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
    const bool from_norm = !shape_.pre_norm || shape_.residual_from_norm;
    float* const branch = scratch_ + layout_.branch;
    const float* projected = at.attended;
    if (shape_.output_projection) {
      Multiply<V>({rows, d_, d_, RowsOf(at.attended, d_), Weight(block.output_weight), d_, branch, d_,
                   Start::kBias, Value(block.output_bias)});
      projected = branch;
    }
    const int64_t sum_gain = shape_.pre_norm ? block.norm2_gain : block.norm1_gain;
    const int64_t sum_bias = shape_.pre_norm ? block.norm2_bias : block.norm1_bias;
    const float* const attention_residual = from_norm ? at.attention_input : at.input;
    for (int64_t r = 0; r < rows; ++r) {
      AddBranch(r, SiteOf(b, kAttentionOutput), projected, attention_residual, keys, at.attention_masks,
                at.sum);
      at.sum_moments[r] = NormaliseRow<V>(at.sum + r * d_, Value(sum_gain), Value(sum_bias), shape_.epsilon,
                                          d_, at.ffn_input + r * d_);
    }
    const int64_t f = shape_.ffn_width;
    Multiply<V>({rows, f, d_, RowsOf(at.ffn_input, d_), Weight(block.ffn1_weight), f, at.inner, f,
                 Start::kBias, Value(block.ffn1_bias), /*relu=*/!shape_.gelu});
    if (shape_.gelu) Gelu(at.inner, rows * f, at.active);
    Multiply<V>({rows, d_, f, RowsOf(at.active, f), Weight(block.ffn2_weight), d_, branch, d_, Start::kBias,
                 Value(block.ffn2_bias)});
    const float* const ffn_residual = from_norm ? at.ffn_input : at.sum;
    for (int64_t r = 0; r < rows; ++r) {
      AddBranch(r, SiteOf(b, kFfnOutput), branch, ffn_residual, keys, at.ffn_masks, at.output_sum);
      if (!shape_.pre_norm) {
        at.output_moments[r] =
            NormaliseRow<V>(at.output_sum + r * d_, Value(block.norm2_gain), Value(block.norm2_bias),
                            shape_.epsilon, d_, at.output + r * d_);
      }
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
    for (int64_t r = 0; r < rows; ++r) {
      const float* const row = hidden + r * d_;
      if (shape_.final_norm) {
        Moments(layout_.final_moments)[r] =
            NormaliseRow<V>(row, Value(task_.offsets.final_gain), Value(task_.offsets.final_bias),
                            shape_.epsilon, d_, output + r * d_);
      } else {
        for (int64_t c = 0; c < d_; c += V::kLanes) V::Store(output + r * d_ + c, V::Load(row + c));
      }
    }
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

  // ---- backward ----

  // The gradient of a branch behind dropout, or d itself without.
  const float* UndropBranch(const float* d, const uint8_t* masks) {
    if (shape_.dropout_threshold == 0) return d;
    float* const to = scratch_ + layout_.branch;
    const Floats scale = V::Set(shape_.dropout_scale);
    const uint8_t* mask = masks;
    for (int64_t i = 0; i < n_ * d_; i += V::kLanes, mask += V::kLanes / 8) {
      V::Store(to + i, V::KeepWhere(V::LoadMask(mask), V::Mul(V::Load(d + i), scale)));
    }
    return to;
  }

  // weight gradient += x^T dy, bias gradient += column sums of dy.
  void AddWeightGradients(const float* x, int64_t in, const float* dy, int64_t out, int64_t weight,
                          int64_t bias) {
    if (gradients_ == nullptr) return;
    Multiply<V>({in, out, n_, ColumnsOf(x, in), dy, out, Gradient(weight), out, Start::kSum});
    if (bias >= 0) AddColumnSums<V>(dy, out, n_, out, Gradient(bias));
  }

  const float* TransposedWeights(int64_t b) const {
    return task_.transposed + b * (4 * d_ * d_ + 2 * d_ * shape_.ffn_width);
  }

  // d -> the gradient of `normed`'s input: d is that of the residual (which may be the norm itself), `inner`
  // the layer whose input the norm is: d_inner [n, inner_width] times its transposed weights.
  void ThroughNorm(const float* x, const RowMoments* moments, int64_t gain, int64_t bias,
                   const float* d_inner, int64_t inner_width, const float* transposed, float* d) {
    const bool residual_is_norm = !shape_.pre_norm || shape_.residual_from_norm;
    float* const d_norm = residual_is_norm ? d : scratch_ + layout_.branch;
    Multiply<V>({n_, d_, inner_width, RowsOf(d_inner, inner_width), transposed, d_, d_norm, d_,
                 residual_is_norm ? Start::kSum : Start::kZero});
    for (int64_t r = 0; r < n_; ++r) {
      NormaliseRowBackward<V>(x + r * d_, moments[r], Value(gain), d_norm + r * d_, d_,
                              residual_is_norm ? nullptr : d + r * d_, d + r * d_, Gradient(gain),
                              Gradient(bias));
    }
  }

  void FeedForwardBackward(int64_t b, const BlockActivations& at, float* d) {
    const BlockOffsets& block = Block(b);
    const int64_t f = shape_.ffn_width;
    if (!shape_.pre_norm) {
      for (int64_t r = 0; r < n_; ++r) {
        NormaliseRowBackward<V>(at.output_sum + r * d_, at.output_moments[r], Value(block.norm2_gain),
                                d + r * d_, d_, nullptr, d + r * d_, Gradient(block.norm2_gain),
                                Gradient(block.norm2_bias));
      }
    }
    const float* const d_branch = UndropBranch(d, at.ffn_masks);
    AddWeightGradients(at.active, f, d_branch, d_, block.ffn2_weight, block.ffn2_bias);
    float* const d_inner = scratch_ + layout_.wide;
    const float* const transposed = TransposedWeights(b) + 4 * d_ * d_;
    Multiply<V>({n_, f, d_, RowsOf(d_branch, d_), transposed + f * d_, f, d_inner, f});
    for (int64_t i = 0; i < n_ * f; i += V::kLanes) {
      const Floats x = V::Load(at.inner + i);
      if (shape_.gelu) {
        Floats density;
        const Floats below = NormalDistribution<V>(x, density);
        V::Store(d_inner + i, V::Mul(V::Load(d_inner + i), V::MulAdd(x, density, below)));
      } else {
        V::Store(d_inner + i, V::KeepWhere(V::Greater(x, V::Zero()), V::Load(d_inner + i)));
      }
    }
    AddWeightGradients(at.ffn_input, d_, d_inner, f, block.ffn1_weight, block.ffn1_bias);
    ThroughNorm(at.sum, at.sum_moments, shape_.pre_norm ? block.norm2_gain : block.norm1_gain,
                shape_.pre_norm ? block.norm2_bias : block.norm1_bias, d_inner, f, transposed, d);
  }

  void AttendBackward(int64_t b, const BlockActivations& at, float* d) {
    const BlockOffsets& block = Block(b);
    const float* d_attended = UndropBranch(d, at.attention_masks);
    const float* const transposed = TransposedWeights(b);
    if (shape_.output_projection) {
      AddWeightGradients(at.attended, d_, d_attended, d_, block.output_weight, block.output_bias);
      float* const to = scratch_ + layout_.d_attended;
      Multiply<V>({n_, d_, d_, RowsOf(d_attended, d_), transposed + 3 * d_ * d_, d_, to, d_});
      d_attended = to;
    }
    float* const d_qkv = scratch_ + layout_.wide;
    float* weights = at.weights;
    for (int64_t s = 0; s < chunk_.last - chunk_.first; ++s) {
      for (int64_t h = 0; h < shape_.heads; ++h) {
        const AttentionHead head = Head(b, at, s, h, weights);
        const int64_t place = FirstToken(s) * d_ + h * head.head_width;
        float* const d_q = d_qkv + FirstToken(s) * 3 * d_ + h * head.head_width;
        AttentionBackward<V>(head, {at.attended + place, d_attended + place, d_, d_q, d_q + d_, d_q + 2 * d_},
                             scratch_ + layout_.transposed_head, scratch_ + layout_.score_gradients);
        weights += head.n * WholeVectors<V>(head.n);
      }
    }
    AddWeightGradients(at.attention_input, d_, d_qkv, 3 * d_, block.qkv_weight, -1);
    if (gradients_ != nullptr) {
      AddColumnSums<V>(d_qkv, 3 * d_, n_, d_, Gradient(block.query_bias));
      AddColumnSums<V>(d_qkv + 2 * d_, 3 * d_, n_, d_, Gradient(block.value_bias));
    }
    if (shape_.pre_norm) {
      ThroughNorm(at.input, at.input_moments, block.norm1_gain, block.norm1_bias, d_qkv, 3 * d_, transposed,
                  d);
    } else {
      Multiply<V>({n_, d_, 3 * d_, RowsOf(d_qkv, 3 * d_), transposed, d_, d, d_, Start::kSum});
    }
  }

  void EmbedBackward(float* d, float* d_inputs) {
    const float* const undropped = UndropBranch(d, Masks(layout_.embedding_masks));
    for (int64_t r = 0; r < n_; ++r) {
      const float* row = undropped + r * d_;
      if (shape_.embedding_norm) {
        NormaliseRowBackward<V>(saved_ + layout_.embedding_sum + r * d_,
                                Moments(layout_.embedding_moments)[r], Value(task_.offsets.embedding_gain),
                                row, d_, nullptr, d + r * d_, Gradient(task_.offsets.embedding_gain),
                                Gradient(task_.offsets.embedding_bias));
        row = d + r * d_;
      }
      const int64_t position = task_.positions[first_token_ + r];
      const Floats scale = V::Set(position < 0 ? 1.0F : shape_.embedding_scale);
      float* const place =
          position < 0 || gradients_ == nullptr ? nullptr : Gradient(task_.offsets.positions) + position * d_;
      for (int64_t c = 0; c < d_; c += V::kLanes) {
        const Floats here = V::Load(row + c);
        if (place != nullptr) V::Store(place + c, V::Add(V::Load(place + c), here));
        V::Store(d_inputs + r * d_ + c, V::Mul(here, scale));
      }
    }
  }

  const EncoderTask& task_;
  const EncoderShape& shape_;
  const Chunk chunk_;
  const int64_t first_token_, n_, d_;
  const ChunkLayout layout_;
  float* const saved_;
  float* const scratch_;
  float* gradients_ = nullptr;
};

}  // namespace ppr::model::fused
