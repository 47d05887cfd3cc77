#include "settings/flag_value.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>

namespace ppr::settings {
namespace {

template <typename Integer>
std::string IntegerProblem(const std::string& value, const char* range) {
  Integer number = 0;
  const char* end = value.data() + value.size();
  const std::from_chars_result result = std::from_chars(value.data(), end, number);
  if (result.ec == std::errc() && result.ptr == end) return "";
  return std::string("expected a whole number ") + range + ", found \"" + value + "\"";
}

std::string DoubleProblem(const std::string& value) {
  double number = 0;
  const char* end = value.data() + value.size();
  const std::from_chars_result result = std::from_chars(value.data(), end, number);
  if (result.ec == std::errc() && result.ptr == end && std::isfinite(number)) return "";
  return "expected a finite number, found \"" + value + "\"";
}

// config.flags keeps one flag a line and flag files are trimmed: such a value could not be read back.
std::string StringProblem(const std::string& value) {
  for (const char c : value) {
    if (static_cast<unsigned char>(c) < 0x20) return "expected text without control characters";
  }
  if (!value.empty() && (value.front() == ' ' || value.back() == ' ')) {
    return "expected text without blanks at its ends, found \"" + value + "\"";
  }
  return "";
}

std::string BoolProblem(const std::string& value) {
  static const std::set<std::string> kNames = {"true", "false", "t", "f", "yes", "no", "y", "n", "1", "0"};
  return kNames.contains(value) ? "" : "expected true or false, found \"" + value + "\"";
}

}  // namespace

std::string ValueProblem(FlagType type, const std::string& value) {
  switch (type) {
    case FlagType::kBool:
      return BoolProblem(value);
    case FlagType::kInt32:
      return IntegerProblem<int32_t>(value, "of 32 bits");
    case FlagType::kUint32:
      return IntegerProblem<uint32_t>(value, "of 32 bits, not negative");
    case FlagType::kInt64:
      return IntegerProblem<int64_t>(value, "of 64 bits");
    case FlagType::kUint64:
      return IntegerProblem<uint64_t>(value, "of 64 bits, not negative");
    case FlagType::kDouble:
      return DoubleProblem(value);
    case FlagType::kString:
      return StringProblem(value);
  }
  return "of a type that is not known";
}

}  // namespace ppr::settings
