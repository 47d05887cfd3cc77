#include "data/input/cell_values.h"

#include <cmath>
#include <limits>

#include "base/nearest_name.h"

namespace ppr::data {
namespace {

constexpr double kMostExact = 9007199254740992.0;  // 2^53: above it doubles skip whole numbers
constexpr size_t kShownBytes = 120;

std::string Shown(std::string_view text) {
  return "\"" + std::string(text.substr(0, kShownBytes)) + (text.size() > kShownBytes ? "...\"" : "\"");
}

}  // namespace

std::string CellPlace::ToText() const { return path + ": row " + std::to_string(row) + ", column " + column; }

void CheckToken(const CellPlace& place, std::string_view token) {
  if (token.empty()) {
    throw DataError(place.ToText() +
                    ": expected an id, found an empty cell. Remove the row or give it an id.");
  }
  if (token.size() > kMaxIdBytes) {
    throw DataError(place.ToText() + ": expected an id of at most " + std::to_string(kMaxIdBytes) +
                    " bytes, found " + std::to_string(token.size()) + ": " + Shown(token) +
                    ". Is the separator right, and does every quote close?");
  }
}

int64_t ParseTimeSlowly(std::string_view text, LongTime long_time, const CellPlace& place) {
  double number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = end.ptr == text.data() + text.size() && end.ec != std::errc::invalid_argument;
  if (!is_number || std::isnan(number)) {
    throw DataError(place.ToText() + ": expected a time as a whole number (seconds, for example), found " +
                    Shown(text) + ". Convert dates to seconds first.");
  }
  if (end.ec == std::errc::result_out_of_range || std::abs(number) > kMostExact) {
    if (long_time == LongTime::kClamp)
      return text.front() == '-' ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
    throw DataError(
        place.ToText() +
        ": expected a time that fits a signed 64-bit integer (2^53 when written as a float), found " +
        Shown(text) + ". Use a coarser unit.");
  }
  if (number != std::floor(number)) {
    throw DataError(place.ToText() + ": expected a time as a whole number, found " + Shown(text) +
                    ". Multiply the column to a finer unit (milliseconds, for example).");
  }
  return static_cast<int64_t>(number);
}

double ParseNumberOrThrow(std::string_view text, const CellPlace& place) {
  double number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size() || !std::isfinite(number)) {
    throw DataError(place.ToText() + ": expected a finite number, found " + Shown(text) +
                    ". Mend or remove the row.");
  }
  return number;
}

DataError MissingColumn(const std::string& path, const std::string& name,
                        const std::vector<std::string>& present, const std::string& flag) {
  std::string list;
  for (const std::string& column : present) list += (list.empty() ? "" : ", ") + column;
  return DataError(path + ": header: expected a column " + name + DidYouMean(name, present) + "; found " +
                   list + ". Set " + flag + ".");
}

}  // namespace ppr::data
