// Causal attention of one sequence and head, forward and backward, on rows of six queries at a time.
//
// Weights are kept as probabilities P [n, step] with step = n rounded up to whole vectors: 0 past the
// diagonal, and negative (sign bit set) where dropout takes the weight out, so that no mask needs storing.
#pragma once

#include <cstdint>

#include "model/fused/dropout.h"
#include "model/fused/gemm.h"
#include "model/fused/inline.h"
#include "model/fused/vector_math.h"

namespace ppr::model::fused {

template <class V>
PPR_FUSED_INLINE int64_t WholeVectors(int64_t n) {
  return (n + V::kLanes - 1) / V::kLanes * V::kLanes;
}

// One head of one sequence of n tokens. Rows of q, k, v (and of their gradients) are `qkv_step` apart, of the
// output `output_step`.
struct AttentionHead {
  int64_t n, head_width;
  const float *q, *k, *v;
  int64_t qkv_step;
  float* weights;             // P [n, WholeVectors(n)]
  const int64_t* token_keys;  // [n], or null without dropout
  uint64_t site;
  uint32_t first_lane;  // of the head: head * 2^20
  uint32_t threshold;
  float dropout_scale;
};

// to [WholeVectors(columns), WholeVectors(n)]: the transpose of from [n, columns], zeros past n.
template <class V>
void TransposeHead(const float* from, int64_t from_step, int64_t n, int64_t columns, float* to) {
  const int64_t to_step = WholeVectors<V>(n);
  for (int64_t row = 0; row < n; row += V::kLanes) {
    for (int64_t column = 0; column < columns; column += V::kLanes) {
      V::Transpose(from + row * from_step + column, from_step, n - row, to + column * to_step + row, to_step);
    }
  }
}

// Row i of P from its scores, in place, and without the dropped weights into `kept` (P itself without
// dropout).
template <class V>
PPR_FUSED_INLINE void SoftmaxRow(const AttentionHead& head, int64_t i, int64_t columns, float scale,
                                 float* row, float* kept) {
  using Floats = typename V::Floats;
  const Floats lowest = V::Set(-3.0e38F);
  Floats most = lowest;
  int64_t c = 0;
  for (; c + V::kLanes <= i + 1; c += V::kLanes) most = V::Max(most, V::Load(row + c));
  const int64_t seen = i + 1 - c;  // columns of the last, partial vector
  if (seen > 0) most = V::Max(most, V::Select(V::First(seen), V::Load(row + c), lowest));
  const Floats largest = V::Set(V::Largest(most) * scale), scales = V::Set(scale);
  Floats sum = V::Zero();
  for (int64_t j = 0; j < columns; j += V::kLanes) {
    Floats e = Exp<V>(V::Sub(V::Mul(V::Load(row + j), scales), largest));
    e = V::KeepWhere(V::First(i + 1 - j), e);
    sum = V::Add(sum, e);
    V::Store(row + j, e);
  }
  const Floats inverse = V::Set(1.0F / V::Sum(sum));
  if (head.token_keys == nullptr) {
    for (int64_t j = 0; j < columns; j += V::kLanes) V::Store(row + j, V::Mul(V::Load(row + j), inverse));
    return;
  }
  const DropoutDraw<V> draw(static_cast<uint64_t>(head.token_keys[i]), head.site, head.threshold);
  const Floats kept_scale = V::Set(head.dropout_scale);
  for (int64_t j = 0; j < columns; j += V::kLanes) {
    const Floats p = V::Mul(V::Load(row + j), inverse);
    const typename V::Mask keep = draw.Keep(head.first_lane + static_cast<uint32_t>(j));
    V::Store(row + j, V::Select(keep, p, V::Negate(p)));
    V::Store(kept + j, V::KeepWhere(keep, V::Mul(p, kept_scale)));
  }
}

// output [n, head_width] = softmax(q k^T / sqrt(head_width)), dropped, times v. Scratch: the transposed keys
// [WholeVectors(head_width), WholeVectors(n)] and one block of weights [kTileRows, WholeVectors(n)].
template <class V>
void AttentionForward(const AttentionHead& head, float* keys_scratch, float* kept_scratch, float* output,
                      int64_t output_step) {
  const int64_t n = head.n, step = WholeVectors<V>(n);
  const float scale = 1.0F / __builtin_sqrtf(static_cast<float>(head.head_width));
  TransposeHead<V>(head.k, head.qkv_step, n, head.head_width, keys_scratch);
  for (int64_t first = 0; first < n; first += V::kTileRows) {
    const int64_t rows = n - first < V::kTileRows ? n - first : V::kTileRows;
    const int64_t columns = WholeVectors<V>(first + rows);
    float* const block = head.weights + first * step;
    Multiply<V>({rows, columns, head.head_width, RowsOf(head.q + first * head.qkv_step, head.qkv_step),
                 keys_scratch, step, block, step});
    float* const kept = head.token_keys != nullptr ? kept_scratch : block;
    for (int64_t r = 0; r < rows; ++r) {
      SoftmaxRow<V>(head, first + r, columns, scale, block + r * step, kept + r * step);
    }
    Multiply<V>({rows, head.head_width, first + rows, RowsOf(kept, step), head.v, head.qkv_step,
                 output + first * output_step, output_step});
  }
}

// Turns row i of d(kept weights) into the gradient of the scaled scores, in place, and row i of P into the
// kept weights. delta = output . d output of the row.
template <class V>
PPR_FUSED_INLINE void SoftmaxRowBackward(const AttentionHead& head, int64_t columns, float delta, float scale,
                                         float* weights, float* gradient) {
  using Floats = typename V::Floats;
  const Floats deltas = V::Set(delta), scales = V::Set(scale), kept_scale = V::Set(head.dropout_scale);
  for (int64_t j = 0; j < columns; j += V::kLanes) {
    const Floats p = V::Load(weights + j);
    const Floats d = V::Load(gradient + j);
    if (head.token_keys == nullptr) {
      V::Store(gradient + j, V::Mul(V::Mul(p, scales), V::Sub(d, deltas)));
    } else {
      const typename V::Mask keep = V::SignClear(p);
      const Floats d_kept = V::KeepWhere(keep, V::Mul(d, kept_scale));
      V::Store(gradient + j, V::Mul(V::Mul(V::Abs(p), scales), V::Sub(d_kept, deltas)));
      V::Store(weights + j, V::KeepWhere(keep, V::Mul(p, kept_scale)));
    }
  }
}

struct AttentionGradients {
  const float *output, *d_output;  // [n, head_width], rows output_step apart
  int64_t output_step;
  float *d_q, *d_k, *d_v;  // rows qkv_step apart
};

// Writes the gradients of q, k and v; P is used up. Scratch: the transposed values as in the forward pass,
// and the gradient of the scores [n, WholeVectors(n)].
template <class V>
void AttentionBackward(const AttentionHead& head, const AttentionGradients& to, float* values_scratch,
                       float* scores_scratch) {
  using Floats = typename V::Floats;
  const int64_t n = head.n, step = WholeVectors<V>(n), width = head.head_width;
  const float scale = 1.0F / __builtin_sqrtf(static_cast<float>(width));
  TransposeHead<V>(head.v, head.qkv_step, n, width, values_scratch);
  for (int64_t first = 0; first < n; first += V::kTileRows) {
    const int64_t rows = n - first < V::kTileRows ? n - first : V::kTileRows;
    const int64_t columns = WholeVectors<V>(first + rows);
    float* const gradient = scores_scratch + first * step;
    Multiply<V>({rows, columns, width, RowsOf(to.d_output + first * to.output_step, to.output_step),
                 values_scratch, step, gradient, step});
    for (int64_t r = 0; r < rows; ++r) {
      const float* const out = to.output + (first + r) * to.output_step;
      const float* const d_out = to.d_output + (first + r) * to.output_step;
      Floats product = V::Zero();
      for (int64_t c = 0; c < width; c += V::kLanes) {
        product = V::MulAdd(V::LoadFirst(out + c, width - c), V::LoadFirst(d_out + c, width - c), product);
      }
      SoftmaxRowBackward<V>(head, columns, V::Sum(product), scale, head.weights + (first + r) * step,
                            gradient + r * step);
    }
    Multiply<V>({rows, width, first + rows, RowsOf(gradient, step), head.k, head.qkv_step,
                 to.d_q + first * head.qkv_step, head.qkv_step});
  }
  for (int64_t first = 0; first < n; first += V::kTileRows) {  // a key is seen by itself and by later queries
    const int64_t rows = n - first < V::kTileRows ? n - first : V::kTileRows;
    const int64_t place = first * step + first;
    Multiply<V>({rows, width, n - first, ColumnsOf(scores_scratch + place, step),
                 head.q + first * head.qkv_step, head.qkv_step, to.d_k + first * head.qkv_step,
                 head.qkv_step});
    Multiply<V>({rows, width, n - first, ColumnsOf(head.weights + place, step),
                 to.d_output + first * to.output_step, to.output_step, to.d_v + first * head.qkv_step,
                 head.qkv_step});
  }
}

}  // namespace ppr::model::fused
