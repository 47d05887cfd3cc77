#include "data/input/token_dictionary.h"

#include <gtest/gtest.h>

#include <unordered_map>

#include "base/random.h"
#include "data/text_hash.h"

namespace ppr::data {
namespace {

TEST(TokenDictionary, NumbersTextsInOrderOfFirstAppearance) {
  // Lengths on both sides of the 15 bytes that a slot holds, zero bytes, and texts that differ in length
  // alone.
  const RandomKey key = MakeRandomKey(1, RandomSite::kTest);
  std::vector<std::string> texts;
  for (uint64_t i = 0; i < 20'000; ++i) {
    std::string text(key.Below(24, 2 * i), '\0');
    for (size_t at = 0; at < text.size(); ++at) text[at] = "\0\1\x80"[key.With(i % 3000).Below(3, at)];
    texts.push_back(text);
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  TokenDictionary dictionary("texts");
  std::vector<int32_t> codes(views.size());
  dictionary.Encode(views, codes.data());

  std::unordered_map<std::string, int32_t> expected;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto [entry, is_new] = expected.try_emplace(texts[i], static_cast<int32_t>(expected.size()));
    ASSERT_EQ(codes[i], entry->second) << i;
    EXPECT_EQ(dictionary.text(codes[i]), texts[i]);
  }
  EXPECT_EQ(dictionary.size(), static_cast<int32_t>(expected.size()));
  EXPECT_GT(dictionary.size(), 5000);  // it grew several times
  for (const auto& [text, code] : expected) EXPECT_EQ(dictionary.Find(text), code);
  EXPECT_EQ(dictionary.Find("never seen"), -1);
  EXPECT_EQ(dictionary.Find("never seen, and longer than a slot"), -1);
}

TEST(TokenDictionary, TextsAreNotNumbers) {
  TokenDictionary dictionary("items");
  EXPECT_EQ(dictionary.Encode("1"), 0);
  EXPECT_EQ(dictionary.Encode("01"), 1);
  EXPECT_EQ(dictionary.Encode("1.0"), 2);
  EXPECT_EQ(dictionary.Encode(std::string_view("1\0", 2)), 3);
  EXPECT_EQ(dictionary.Encode("1"), 0);
}

TEST(TokenDictionary, EveryByteAndTheLengthCount) {
  TokenDictionary dictionary("texts");
  int32_t expected = 0;
  for (size_t length = 0; length <= 20; ++length) {
    const std::string text(length, 'a');
    EXPECT_EQ(dictionary.Encode(text), expected++) << length;
    for (size_t at = 0; at < length; ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string other = text;
        other[at] = static_cast<char>(other[at] ^ (1 << bit));
        EXPECT_EQ(dictionary.Encode(other), expected++)
            << length << " bytes, bit " << bit << " of byte " << at;
      }
    }
  }
}

// Who is cold and which candidates are drawn depend on these values: they must never change.
TEST(TextHash, KeepsItsValues) {
  EXPECT_EQ(TextHash(""), 0u);
  EXPECT_EQ(TextHash("1"), RandomKey(1).With('1').state());
  EXPECT_EQ(TextHash("123456789"), RandomKey(9).With(0x3837363534333231).With('9').state());
  EXPECT_NE(TextHash("12345678"), TextHash(std::string_view("12345678\0", 9)));
}

}  // namespace
}  // namespace ppr::data
