#include "data/prepare/value_bucket.h"

#include <cmath>

namespace ppr::data {
namespace {

// Far beyond every attribute, far below where sums of whole numbers overflow.
constexpr double kLargest = 1e15;

}  // namespace

std::string BucketOf(std::string_view value, int64_t width, const CellPlace& place) {
  const double number = ParseNumberOrThrow(value, place);
  if (number != std::floor(number) || std::abs(number) > kLargest) {
    throw DataError(place.ToText() + ": expected a whole number to put into buckets of " +
                    std::to_string(width) + ", found \"" + std::string(value.substr(0, 120)) +
                    "\". Take the field out of --buckets.");
  }
  const auto whole = static_cast<int64_t>(number);
  const int64_t first = (whole >= 0 ? whole / width : -((-whole + width - 1) / width)) * width;
  if (width == 1) return std::to_string(first);
  return std::to_string(first) + "-" + std::to_string(first + width - 1);
}

}  // namespace ppr::data
