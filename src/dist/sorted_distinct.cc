#include "dist/sorted_distinct.h"

#include <array>
#include <bit>
#include <limits>
#include <string>
#include <utility>

#include "base/errors.h"

namespace ppr::dist {
namespace {

struct Element {
  uint32_t value;
  uint32_t position;
};

// 2^11 counters are 16 KB: they stay in the first-level cache, and 22 bits (4 M items) need two passes.
constexpr int kDigitBits = 11;
constexpr size_t kNumDigits = size_t{1} << kDigitBits;

size_t DigitOf(uint32_t value, int shift) { return static_cast<size_t>(value >> shift) & (kNumDigits - 1); }

// One stable pass: `to` := `from` ordered by the digit at `shift`.
void SortByDigit(const std::vector<Element>& from, std::vector<Element>& to, int shift) {
  std::array<size_t, kNumDigits> next{};  // where the next element with this digit goes
  for (const Element& element : from) ++next[DigitOf(element.value, shift)];
  size_t start = 0;
  for (size_t& count : next) start += std::exchange(count, start);
  for (const Element& element : from) to[next[DigitOf(element.value, shift)]++] = element;
}

}  // namespace

SortedDistinct FindSortedDistinct(const int64_t* list, int64_t n, int64_t bound) {
  constexpr int64_t kMost = std::numeric_limits<uint32_t>::max();
  PPR_BUG_IF_NOT(n <= kMost && bound <= kMost, "a list to sort has " + std::to_string(n) + " values below " +
                                                   std::to_string(bound) + ", expected both below 2^32");
  std::vector<Element> elements(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i)
    elements[static_cast<size_t>(i)] = {static_cast<uint32_t>(list[i]), static_cast<uint32_t>(i)};
  std::vector<Element> sorted(elements.size());
  const auto value_bits = static_cast<int>(std::bit_width(static_cast<uint64_t>(bound)));
  for (int shift = 0; shift < value_bits; shift += kDigitBits) {
    SortByDigit(elements, sorted, shift);
    std::swap(elements, sorted);
  }

  SortedDistinct distinct;
  distinct.index.resize(elements.size());
  for (const Element& element : elements) {
    if (distinct.values.empty() || distinct.values.back() != int64_t{element.value})
      distinct.values.push_back(element.value);
    distinct.index[static_cast<size_t>(element.position)] = static_cast<int64_t>(distinct.values.size()) - 1;
  }
  return distinct;
}

}  // namespace ppr::dist
