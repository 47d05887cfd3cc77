// Layer norm of one row and its gradient.
#pragma once

#include <cstdint>

#include "model/fused/inline.h"

namespace ppr::model::fused {

struct RowMoments {
  float mean, inverse_deviation;  // 1 / sqrt(variance + epsilon)
};

// to[c] = (x[c] - mean) / deviation * gain[c] + bias[c]; width is a multiple of kLanes.
template <class V>
PPR_FUSED_INLINE RowMoments NormaliseRow(const float* x, const float* gain, const float* bias, float epsilon,
                                         int64_t width, float* to) {
  using Floats = typename V::Floats;
  Floats sum = V::Zero();
  for (int64_t c = 0; c < width; c += V::kLanes) sum = V::Add(sum, V::Load(x + c));
  const float mean = V::Sum(sum) / static_cast<float>(width);
  const Floats means = V::Set(mean);
  Floats squares = V::Zero();
  for (int64_t c = 0; c < width; c += V::kLanes) {
    const Floats off = V::Sub(V::Load(x + c), means);
    squares = V::MulAdd(off, off, squares);
  }
  const float inverse = 1.0F / __builtin_sqrtf(V::Sum(squares) / static_cast<float>(width) + epsilon);
  const Floats scale = V::Set(inverse);
  for (int64_t c = 0; c < width; c += V::kLanes) {
    const Floats hat = V::Mul(V::Sub(V::Load(x + c), means), scale);
    V::Store(to + c, V::MulAdd(hat, V::Load(gain + c), V::Load(bias + c)));
  }
  return {mean, inverse};
}

// dx of the row from dy; adds to the gradients of gain and bias unless they are null. `residual`, when given,
// is added to dx. dx may be dy or residual.
template <class V>
PPR_FUSED_INLINE void NormaliseRowBackward(const float* x, RowMoments moments, const float* gain,
                                           const float* dy, int64_t width, const float* residual, float* dx,
                                           float* gain_gradient, float* bias_gradient) {
  using Floats = typename V::Floats;
  const Floats mean = V::Set(moments.mean), scale = V::Set(moments.inverse_deviation);
  Floats sum = V::Zero(), sum_hat = V::Zero();
  for (int64_t c = 0; c < width; c += V::kLanes) {
    const Floats hat = V::Mul(V::Sub(V::Load(x + c), mean), scale);
    const Floats dy_here = V::Load(dy + c);
    const Floats d_hat = V::Mul(dy_here, V::Load(gain + c));
    sum = V::Add(sum, d_hat);
    sum_hat = V::MulAdd(d_hat, hat, sum_hat);
    if (gain_gradient != nullptr) {
      V::Store(gain_gradient + c, V::MulAdd(dy_here, hat, V::Load(gain_gradient + c)));
      V::Store(bias_gradient + c, V::Add(dy_here, V::Load(bias_gradient + c)));
    }
  }
  const Floats mean_d = V::Set(V::Sum(sum) / static_cast<float>(width));
  const Floats mean_d_hat = V::Set(V::Sum(sum_hat) / static_cast<float>(width));
  for (int64_t c = 0; c < width; c += V::kLanes) {
    const Floats hat = V::Mul(V::Sub(V::Load(x + c), mean), scale);
    const Floats d_hat = V::Mul(V::Load(dy + c), V::Load(gain + c));
    Floats d = V::Mul(V::Sub(V::Sub(d_hat, mean_d), V::Mul(hat, mean_d_hat)), scale);
    if (residual != nullptr) d = V::Add(d, V::Load(residual + c));
    V::Store(dx + c, d);
  }
}

}  // namespace ppr::model::fused
