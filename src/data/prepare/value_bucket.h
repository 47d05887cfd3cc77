// Attributes too fine to learn from, made coarse: ages in years into decades, for example.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "data/input/cell_values.h"

namespace ppr::data {

// The bucket of a whole number: "20-29" for 24 and width 10; the number itself for width 1. DataError with
// `place` when the value is no whole number.
std::string BucketOf(std::string_view value, int64_t width, const CellPlace& place);

}  // namespace ppr::data
