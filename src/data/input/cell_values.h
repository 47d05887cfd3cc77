// The meaning of single cells of raw files: ids, times, numbers; and the errors that name their place.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/errors.h"

namespace ppr::data {

// Longer ids are a sign of a wrong separator or of a quote that never closes.
inline constexpr size_t kMaxIdBytes = 1024;

struct CellPlace {
  const std::string& path;
  const std::string& column;
  int64_t row;  // counts from 1 after the header

  // "<path>: row <row>, column <column>".
  std::string ToText() const;
};

inline bool TokenIsFine(std::string_view token) { return !token.empty() && token.size() <= kMaxIdBytes; }
// DataError when a user or item id is empty or too long.
void CheckToken(const CellPlace& place, std::string_view token);

// What becomes of a time that does not fit 64 bits.
enum class LongTime {
  kRefuse,  // DataError
  kClamp,   // the least or the greatest time, so that a window of times leaves it out
};

// A whole number that fits 64 bits, also when written as a float ("978300019.0", "1e9"). DataError otherwise.
int64_t ParseTimeSlowly(std::string_view text, LongTime long_time, const CellPlace& place);
double ParseNumberOrThrow(std::string_view text, const CellPlace& place);

// `place` is asked only when the text is not a plain integer.
template <typename PlaceOf>
int64_t ParseTime(std::string_view text, LongTime long_time, const PlaceOf& place) {
  int64_t time = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), time);
  if (end.ec == std::errc() && end.ptr == text.data() + text.size()) return time;
  return ParseTimeSlowly(text, long_time, place());
}

// A finite number.
template <typename PlaceOf>
double ParseNumber(std::string_view text, const PlaceOf& place) {
  return ParseNumberOrThrow(text, place());
}

// "<path>: no column <name>, did you mean X? It has: a, b. Set <flag>."
DataError MissingColumn(const std::string& path, const std::string& name,
                        const std::vector<std::string>& present, const std::string& flag);

}  // namespace ppr::data
