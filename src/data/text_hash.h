// A 64-bit hash of a text that stays the same on every machine and in every version: who becomes a cold user
// and which candidates a case gets depend on it. DO NOT CHANGE.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/random.h"

namespace ppr::data {

// Chains the text's 8-byte words (the last one zero-padded) onto its length.
inline uint64_t TextHash(std::string_view text) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are read in little-endian order");
  RandomKey key(text.size());
  while (!text.empty()) {
    const size_t count = text.size() < 8 ? text.size() : 8;
    uint64_t word = 0;
    std::memcpy(&word, text.data(), count);
    key = key.With(word);
    text.remove_prefix(count);
  }
  return key.state();
}

}  // namespace ppr::data
