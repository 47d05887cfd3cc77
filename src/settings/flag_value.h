// The types of flags, and checks of single values that are stricter than reading them: no NaN, infinity or
// text that trails.
#pragma once

#include <string>

namespace ppr::settings {

enum class FlagType { kBool, kInt32, kUint32, kInt64, kUint64, kDouble, kString };

// What is wrong with `value` for a flag of `type` ("expected a whole number, found \"abc\""), or "".
std::string ValueProblem(FlagType type, const std::string& value);

}  // namespace ppr::settings
