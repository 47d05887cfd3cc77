#include "data/input/token_dictionary.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "base/errors.h"
#include "data/text_hash.h"

namespace ppr::data {
namespace {

constexpr size_t kFirstSlots = 1024;
constexpr size_t kShortBytes = 15;
constexpr uint64_t kLongMark = 0xFFULL << 56;  // no short text has length 255
constexpr size_t kBatch = 32;                  // look-ups in flight: enough to hide memory, few enough for L1

}  // namespace

TokenDictionary::TokenDictionary(std::string what)
    : what_(std::move(what)), slots_(kFirstSlots), starts_{0} {}

TokenDictionary::Key TokenDictionary::KeyOf(std::string_view token) {
  Key key;
  if (token.size() > kShortBytes) return {TextHash(token), kLongMark | token.size()};
  if (token.size() >= 8) {
    // Two loads that may overlap instead of a copy of unknown length.
    std::memcpy(&key.low, token.data(), 8);
    uint64_t tail;
    std::memcpy(&tail, token.data() + token.size() - 8, 8);
    key.high = token.size() == 8 ? 0 : tail >> (8 * (16 - token.size()));
  } else {
    std::memcpy(&key.low, token.data(), token.size());
  }
  key.high |= static_cast<uint64_t>(token.size()) << 56;
  return key;
}

uint64_t TokenDictionary::HashOf(const Key& key) {
  const auto product = static_cast<unsigned __int128>(key.low ^ 0x9E3779B97F4A7C15ULL) *
                       ((key.high ^ 0xD1B54A32D192ED03ULL) * 0xBF58476D1CE4E5B9ULL | 1);
  const uint64_t folded = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  return folded * 0x94D049BB133111EBULL;
}

void TokenDictionary::Encode(std::span<const std::string_view> tokens, int32_t* codes) {
  std::array<Key, kBatch> keys;
  std::array<uint64_t, kBatch> hashes;
  for (size_t first = 0; first < tokens.size(); first += kBatch) {
    const size_t count = std::min(kBatch, tokens.size() - first);
    for (size_t i = 0; i < count; ++i) {
      keys[i] = KeyOf(tokens[first + i]);
      hashes[i] = HashOf(keys[i]);
      __builtin_prefetch(&slots_[(hashes[i] >> 16) & (slots_.size() - 1)]);
    }
    for (size_t i = 0; i < count; ++i) codes[first + i] = EncodeAt(keys[i], hashes[i], tokens[first + i]);
  }
}

int32_t TokenDictionary::Encode(std::string_view token) {
  const Key key = KeyOf(token);
  return EncodeAt(key, HashOf(key), token);
}

int32_t TokenDictionary::Find(std::string_view token) const {
  const Key key = KeyOf(token);
  const size_t mask = slots_.size() - 1;
  for (size_t at = (HashOf(key) >> 16) & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.code < 0) return -1;
    if (slot.key == key && (token.size() <= kShortBytes || text(slot.code) == token)) return slot.code;
  }
}

int32_t TokenDictionary::EncodeAt(const Key& key, uint64_t hash, std::string_view token) {
  const size_t mask = slots_.size() - 1;
  size_t at = (hash >> 16) & mask;
  while (slots_[at].code >= 0) {
    const Slot& slot = slots_[at];
    if (slot.key == key && (token.size() <= kShortBytes || text(slot.code) == token)) return slot.code;
    at = (at + 1) & mask;
  }
  const int32_t code = Append(token);
  slots_[at] = {key, code};
  if (static_cast<size_t>(size()) * 2 > slots_.size()) Grow();
  return code;
}

int32_t TokenDictionary::Append(std::string_view token) {
  const int32_t code = size();
  if (code >= std::numeric_limits<int32_t>::max() - 1) {
    throw DataError("more than 2147483646 different " + what_ + ": that is the most a dataset can hold");
  }
  bytes_.insert(bytes_.end(), token.begin(), token.end());
  starts_.push_back(static_cast<int64_t>(bytes_.size()));
  return code;
}

void TokenDictionary::Grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  const size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.code < 0) continue;
    size_t at = (HashOf(slot.key) >> 16) & mask;
    while (slots_[at].code >= 0) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

}  // namespace ppr::data
