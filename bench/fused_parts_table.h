// Fills in FusedParts for the lanes V. Included once by each instruction set's own file.
#pragma once

#include "bench/fused_parts.h"
#include "model/fused/dropout.h"

namespace ppr::bench {

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
  return {model::fused::AttentionForward<V>, model::fused::AttentionBackward<V>,
          model::fused::NormaliseRows<V>, model::fused::NormaliseRowsBackward<V>, DropoutMasks<V>};
}

}  // namespace ppr::bench
