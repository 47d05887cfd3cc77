// Fills in FusedParts for the lanes V. Included once by each instruction set's own file.
#pragma once

#include "bench/fused_parts.h"
#include "model/fused/dropout.h"
#include "model/fused/layer_norm.h"

namespace ppr::bench {

inline constexpr float kEpsilon = 1e-8F;

template <class V>
void NormaliseRows(const float* x, const float* gain, const float* bias, int64_t rows, int64_t width,
                   float* moments, float* to) {
  for (int64_t r = 0; r < rows; ++r) {
    const model::fused::RowMoments of_row =
        model::fused::NormaliseRow<V>(x + r * width, gain, bias, kEpsilon, width, to + r * width);
    moments[2 * r] = of_row.mean;
    moments[2 * r + 1] = of_row.inverse_deviation;
  }
}

template <class V>
void NormaliseRowsBackward(const float* x, const float* moments, const float* gain, const float* dy,
                           int64_t rows, int64_t width, float* dx, float* gain_gradient,
                           float* bias_gradient) {
  for (int64_t r = 0; r < rows; ++r) {
    model::fused::NormaliseRowBackward<V>(x + r * width, {moments[2 * r], moments[2 * r + 1]}, gain,
                                          dy + r * width, width, nullptr, dx + r * width, gain_gradient,
                                          bias_gradient);
  }
}

template <class V>
void DropoutMasks(const int64_t* token_keys, int64_t rows, int64_t width, uint32_t threshold,
                  uint8_t* masks) {
  for (int64_t r = 0; r < rows; ++r) {
    const model::fused::DropoutDraw<V> draw(static_cast<uint64_t>(token_keys[r]), /*site=*/1, threshold);
    for (int64_t c = 0; c < width; c += V::kLanes)
      V::StoreMask(masks + (r * width + c) / 8, draw.Keep(static_cast<uint32_t>(c)));
  }
}

template <class V>
constexpr FusedParts MakeFusedParts() {
  return {model::fused::AttentionForward<V>, model::fused::AttentionBackward<V>, NormaliseRows<V>,
          NormaliseRowsBackward<V>, DropoutMasks<V>};
}

}  // namespace ppr::bench
