#include "settings/limits.h"

#include "base/text_format.h"

namespace ppr::settings {
namespace {

std::string UpTo(double most) {
  return most == std::numeric_limits<double>::max() ? "" : Format(", at most %g", most);
}

}  // namespace

Limits AtLeast(int64_t least) {
  return {.expected = "at least " + std::to_string(least), .least = static_cast<double>(least)};
}

Limits Between(int64_t least, int64_t most) {
  return {.expected = "at least " + std::to_string(least),
          .expected_above = "at most " + std::to_string(most),
          .least = static_cast<double>(least),
          .most = static_cast<double>(most)};
}

Limits Positive(double most) {
  return {.expected = "a positive number" + UpTo(most), .least = 0, .most = most, .least_is_open = true};
}

Limits NotNegative(double most) {
  return {.expected = "a number >= 0" + UpTo(most), .least = 0, .most = most};
}

Limits ShareBelowOne() {
  return {.expected = "a share in [0, 1)", .least = 0, .most = 1, .most_is_open = true};
}

Limits ShareAboveZero() {
  return {.expected = "a share in (0, 1]", .least = 0, .most = 1, .least_is_open = true};
}

Limits InnerShare() {
  return {
      .expected = "a share in (0, 1)", .least = 0, .most = 1, .least_is_open = true, .most_is_open = true};
}

Limits AnyShare() { return {.expected = "a share in [0, 1]", .least = 0, .most = 1}; }

Limits Temperature() {
  return {.expected = "a positive number from 0.001 to 1000", .least = 0.001, .most = 1000};
}

}  // namespace ppr::settings
