// The dropout masks of the fused kernels: the bits of model/dropout_bits.h, a vector of lanes at a time.
#pragma once

#include <cstdint>

#include "model/fused/inline.h"

namespace ppr::model::fused {

// The decisions of one token at one site. Restates DropoutKeep in vectors: a test holds the two together.
template <class V>
struct DropoutDraw {
  typename V::Ints key, threshold;

  PPR_FUSED_INLINE DropoutDraw(uint64_t token_key, uint64_t site, uint32_t threshold16)
      : key(V::SetInt(static_cast<uint32_t>(token_key) ^
                      (static_cast<uint32_t>(token_key >> 32) + static_cast<uint32_t>(site) * 0x85EBCA77U))),
        threshold(V::SetInt(threshold16 << 16)) {}

  // Lanes first .. first + kLanes - 1: true where kept.
  PPR_FUSED_INLINE typename V::Mask Keep(uint32_t first) const {
    using Ints = typename V::Ints;
    const Ints lane = V::AddInt(V::SetInt(first), V::LaneNumbers());
    Ints x = V::Xor(V::MulInt(lane, V::SetInt(0x9E3779B1U)), key);
    x = V::MulInt(V::Xor(x, V::template ShiftRight<16>(x)), V::SetInt(0x7FEB352DU));
    x = V::MulInt(V::Xor(x, V::template ShiftRight<15>(x)), V::SetInt(0x846CA68BU));
    return V::NotBelow(x, threshold);  // the hash's last xor leaves its upper 16 bits as they are
  }
};

}  // namespace ppr::model::fused
