// Integer casts that refuse to lose a value: C interfaces (MPI counts) take int, our sizes are 64-bit.
#pragma once

#include <string>
#include <utility>

#include "base/errors.h"

namespace ppr {

// `value` as To; throws BugError naming `what` when To cannot hold it.
template <typename To, typename From>
To CheckedCast(From value, const char* what) {
  PPR_BUG_IF_NOT(std::in_range<To>(value),
                 std::string(what) + " = " + std::to_string(value) + " does not fit the target type");
  return static_cast<To>(value);
}

}  // namespace ppr
