// Layer norm of rows and its gradient, four rows at a time: the sums along a row are long chains of dependent
// steps, and four of them take hardly longer than one.
#pragma once

#include <cstdint>

#include "model/fused/inline.h"

namespace ppr::model::fused {

struct RowMoments {
  float mean, inverse_deviation;  // 1 / sqrt(variance + epsilon)
};

struct NormParameters {
  const float *gain, *bias;  // [width]
  float epsilon;
  int64_t width;                         // a multiple of kLanes
  float *gain_gradient, *bias_gradient;  // [width], added to; null when frozen. For the way back
};

template <class V, int kRows>
PPR_FUSED_INLINE void NormaliseBlock(const NormParameters& p, const float* x, float* to,
                                     RowMoments* moments) {
  using Floats = typename V::Floats;
  const int64_t width = p.width;
  const float share = 1.0F / static_cast<float>(width);
  Floats sum[kRows], squares[kRows];
  for (int r = 0; r < kRows; ++r) sum[r] = squares[r] = V::Zero();
  for (int64_t c = 0; c < width; c += V::kLanes) {
    for (int r = 0; r < kRows; ++r) sum[r] = V::Add(sum[r], V::Load(x + r * width + c));
  }
  for (int r = 0; r < kRows; ++r) moments[r].mean = V::Sum(sum[r]) * share;
  for (int64_t c = 0; c < width; c += V::kLanes) {
    for (int r = 0; r < kRows; ++r) {
      const Floats off = V::Sub(V::Load(x + r * width + c), V::Set(moments[r].mean));
      squares[r] = V::MulAdd(off, off, squares[r]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    moments[r].inverse_deviation = 1.0F / __builtin_sqrtf(V::Sum(squares[r]) * share + p.epsilon);
  for (int64_t c = 0; c < width; c += V::kLanes) {
    const Floats gain = V::Load(p.gain + c), bias = V::Load(p.bias + c);
    for (int r = 0; r < kRows; ++r) {
      const Floats off = V::Sub(V::Load(x + r * width + c), V::Set(moments[r].mean));
      V::Store(to + r * width + c, V::MulAdd(V::Mul(off, V::Set(moments[r].inverse_deviation)), gain, bias));
    }
  }
}

// to [rows, width] = (x - mean) / deviation * gain + bias of each row; keeps the moments [rows].
template <class V>
void NormaliseRows(const NormParameters& p, const float* x, int64_t rows, float* to, RowMoments* moments) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) NormaliseBlock<V, 4>(p, x + r * p.width, to + r * p.width, moments + r);
  for (; r < rows; ++r) NormaliseBlock<V, 1>(p, x + r * p.width, to + r * p.width, moments + r);
}

template <class V, int kRows>
PPR_FUSED_INLINE void NormaliseBlockBackward(const NormParameters& p, const float* x,
                                             const RowMoments* moments, const float* dy,
                                             const float* residual, float* dx) {
  using Floats = typename V::Floats;
  const int64_t width = p.width;
  const float share = 1.0F / static_cast<float>(width);
  Floats sum[kRows], sum_hat[kRows];
  for (int r = 0; r < kRows; ++r) sum[r] = sum_hat[r] = V::Zero();
  const auto hat = [&](int r, int64_t c) {
    return V::Mul(V::Sub(V::Load(x + r * width + c), V::Set(moments[r].mean)),
                  V::Set(moments[r].inverse_deviation));
  };
  for (int64_t c = 0; c < width; c += V::kLanes) {
    const Floats gain = V::Load(p.gain + c);
    Floats of_gain = V::Zero(), of_bias = V::Zero();
    for (int r = 0; r < kRows; ++r) {
      const Floats x_hat = hat(r, c), dy_here = V::Load(dy + r * width + c), d_hat = V::Mul(dy_here, gain);
      sum[r] = V::Add(sum[r], d_hat);
      sum_hat[r] = V::MulAdd(d_hat, x_hat, sum_hat[r]);
      of_gain = V::MulAdd(dy_here, x_hat, of_gain);
      of_bias = V::Add(of_bias, dy_here);
    }
    if (p.gain_gradient == nullptr) continue;
    V::Store(p.gain_gradient + c, V::Add(V::Load(p.gain_gradient + c), of_gain));
    V::Store(p.bias_gradient + c, V::Add(V::Load(p.bias_gradient + c), of_bias));
  }
  float mean_d[kRows], mean_d_hat[kRows];
  for (int r = 0; r < kRows; ++r) {
    mean_d[r] = V::Sum(sum[r]) * share;
    mean_d_hat[r] = V::Sum(sum_hat[r]) * share;
  }
  for (int64_t c = 0; c < width; c += V::kLanes) {
    const Floats gain = V::Load(p.gain + c);
    for (int r = 0; r < kRows; ++r) {
      Floats d = V::Sub(V::Mul(V::Load(dy + r * width + c), gain), V::Set(mean_d[r]));
      d = V::Mul(V::NegMulAdd(hat(r, c), V::Set(mean_d_hat[r]), d), V::Set(moments[r].inverse_deviation));
      if (residual != nullptr) d = V::Add(d, V::Load(residual + r * width + c));
      V::Store(dx + r * width + c, d);
    }
  }
}

// dx [rows, width] from dy; adds to the gradients of gain and bias. `residual`, when given, is added to dx.
// dx may be dy or residual.
template <class V>
void NormaliseRowsBackward(const NormParameters& p, const float* x, const RowMoments* moments,
                           const float* dy, int64_t rows, const float* residual, float* dx) {
  int64_t r = 0;
  const auto residual_at = [&](int64_t at) { return residual == nullptr ? nullptr : residual + at; };
  for (; r + 4 <= rows; r += 4) {
    const int64_t at = r * p.width;
    NormaliseBlockBackward<V, 4>(p, x + at, moments + r, dy + at, residual_at(at), dx + at);
  }
  for (; r < rows; ++r) {
    const int64_t at = r * p.width;
    NormaliseBlockBackward<V, 1>(p, x + at, moments + r, dy + at, residual_at(at), dx + at);
  }
}

}  // namespace ppr::model::fused
