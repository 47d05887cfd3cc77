// The encoder on one chunk, backward: from the gradient of its output to those of its parameters and inputs.
#pragma once

#include <cstdint>

#include "model/fused/chunk_activations.h"
#include "model/fused/gemm.h"
#include "model/fused/vector_math.h"

namespace ppr::model::fused {

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
class EncoderBackward : private ChunkActivations<V> {
 public:
  EncoderBackward(const EncoderTask& task, Chunk chunk, float* saved, float* scratch)
      : ChunkActivations<V>(task, chunk, saved, scratch) {}

  // d_output [n, d] is used up. gradients: laid out as the flat parameters, added to; null = the encoder is
  // frozen. d_inputs [n, d]: written.
  void Run(float* d_output, float* gradients, float* d_inputs) {
    gradients_ = gradients;
    float* const d = d_output;
    if (shape_.final_norm) {
      NormaliseRowsBackward<V>(Norm(task_.offsets.final_gain, task_.offsets.final_bias),
                               HiddenAfter(shape_.blocks), Moments(layout_.final_moments), d, n_, nullptr, d);
    }
    for (int64_t b = shape_.blocks - 1; b >= 0; --b) {
      const BlockActivations at = Activations(b);
      FeedForwardBackward(b, at, d);
      AttendBackward(b, at, d);
    }
    EmbedBackward(d, d_inputs);
  }

 private:
  using Base = ChunkActivations<V>;
  using Base::Activations, Base::Block, Base::FirstToken, Base::Head, Base::HiddenAfter, Base::Keys,
      Base::Masks, Base::Moments, Base::Tokens, Base::Value;
  using Base::chunk_, Base::d_, Base::first_token_, Base::layout_, Base::n_, Base::saved_, Base::scratch_,
      Base::shape_, Base::task_;
  using typename Base::BlockActivations;
  using typename Base::Floats;

  NormParameters Norm(int64_t gain, int64_t bias) const { return Base::NormOf(gain, bias, gradients_); }
  float* Gradient(int64_t offset) const { return gradients_ == nullptr ? nullptr : gradients_ + offset; }

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
    const bool residual_is_norm = Base::ResidualIsNorm();
    float* const d_norm = residual_is_norm ? d : scratch_ + layout_.branch;
    Multiply<V>({n_, d_, inner_width, RowsOf(d_inner, inner_width), transposed, d_, d_norm, d_,
                 residual_is_norm ? Start::kSum : Start::kZero});
    NormaliseRowsBackward<V>(Norm(gain, bias), x, moments, d_norm, n_, residual_is_norm ? nullptr : d, d);
  }

  void FeedForwardBackward(int64_t b, const BlockActivations& at, float* d) {
    const BlockOffsets& block = Block(b);
    const int64_t f = shape_.ffn_width;
    if (!shape_.pre_norm) {
      NormaliseRowsBackward<V>(Norm(block.norm2_gain, block.norm2_bias), at.output_sum, at.output_moments, d,
                               n_, nullptr, d);
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
    const float* from = UndropBranch(d, Masks(layout_.embedding_masks));
    if (shape_.embedding_norm) {
      NormaliseRowsBackward<V>(Norm(task_.offsets.embedding_gain, task_.offsets.embedding_bias),
                               saved_ + layout_.embedding_sum, Moments(layout_.embedding_moments), from, n_,
                               nullptr, d);
      from = d;
    }
    for (int64_t r = 0; r < n_; ++r) {
      const int64_t position = task_.positions[first_token_ + r];
      const Floats scale = V::Set(position < 0 ? 1.0F : shape_.embedding_scale);
      float* const place =
          position < 0 || gradients_ == nullptr ? nullptr : Gradient(task_.offsets.positions) + position * d_;
      for (int64_t c = 0; c < d_; c += V::kLanes) {
        const Floats here = V::Load(from + r * d_ + c);
        if (place != nullptr) V::Store(place + c, V::Add(V::Load(place + c), here));
        V::Store(d_inputs + r * d_ + c, V::Mul(here, scale));
      }
    }
  }

  float* gradients_ = nullptr;
};

}  // namespace ppr::model::fused
