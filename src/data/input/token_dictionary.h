// Numbers texts 0, 1, 2 ... in the order of their first appearance: users, items, profile values.
//
// Built for tens of millions of look-ups: a flat open-addressing table whose slots hold short texts
// themselves (15 bytes; nearly all ids of real logs), so that a look-up costs one cache line, and look-ups
// come in batches whose slots are fetched ahead. Not thread-safe while Encode runs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ppr::data {

class TokenDictionary {
 public:
  // `what`: for errors, "users" for example.
  explicit TokenDictionary(std::string what);

  // codes[i] = number of tokens[i], new texts getting the next free number. DataError past 2^31 - 2 texts.
  void Encode(std::span<const std::string_view> tokens, int32_t* codes);
  int32_t Encode(std::string_view token);
  // The number of a text, or -1.
  int32_t Find(std::string_view token) const;

  int32_t size() const { return static_cast<int32_t>(starts_.size()) - 1; }
  std::string_view text(int32_t code) const {
    return {bytes_.data() + starts_[code], static_cast<size_t>(starts_[code + 1] - starts_[code])};
  }

 private:
  // Texts of at most 15 bytes: the bytes, zero-padded, with the length in the last one. Longer ones: hash and
  // size.
  struct Key {
    uint64_t low = 0, high = 0;
    bool operator==(const Key&) const = default;
  };
  struct Slot {
    Key key;
    int32_t code = -1;  // -1: free
  };

  static Key KeyOf(std::string_view token);
  static uint64_t HashOf(const Key& key);
  int32_t EncodeAt(const Key& key, uint64_t hash, std::string_view token);
  int32_t Append(std::string_view token);
  void Grow();

  std::string what_;
  std::vector<Slot> slots_;      // a power of two, at most half of it in use
  std::vector<int64_t> starts_;  // [size + 1] into bytes_
  std::vector<char> bytes_;
};

}  // namespace ppr::data
