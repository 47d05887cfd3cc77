// The random decision of one dropped element: pure arithmetic, shared by every kernel that draws a mask.
#pragma once

#include <cstdint>

namespace ppr::model {

// 32 random bits of one lane (a column, or an attention weight) of one token at one site. A 32-bit
// multiply-xorshift hash, cheap enough to be free beside the matrix products. DO NOT CHANGE: runs are
// repeatable only with the same bits.
constexpr uint32_t DropoutBits(uint64_t token_key, uint64_t site, uint32_t lane) {
  uint32_t x = static_cast<uint32_t>(token_key) ^ (lane * 0x9E3779B1u);
  x ^= static_cast<uint32_t>(token_key >> 32) + static_cast<uint32_t>(site) * 0x85EBCA77u;
  x = (x ^ (x >> 16)) * 0x7FEB352Du;
  x = (x ^ (x >> 15)) * 0x846CA68Bu;
  return x ^ (x >> 16);
}

// True when the element is kept: its top 16 bits are not below rate * 65536.
constexpr uint32_t DropoutThreshold(double rate) { return static_cast<uint32_t>(rate * 65536.0 + 0.5); }
constexpr bool DropoutKeep(uint64_t token_key, uint64_t site, uint32_t lane, uint32_t threshold) {
  return (DropoutBits(token_key, site, lane) >> 16) >= threshold;
}

// The factor of kept elements: 1 / the exact probability of keeping, so that the mean is preserved.
constexpr double DropoutScale(uint32_t threshold) {
  return 65536.0 / (65536.0 - static_cast<double>(threshold));
}

}  // namespace ppr::model
