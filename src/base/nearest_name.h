// Finds the name a user probably meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ppr {

// The name of `names` with the smallest edit distance to `typed`; empty when none is within a third of its
// length.
std::string NearestName(std::string_view typed, const std::vector<std::string>& names);

// ", did you mean X?" or "".
std::string DidYouMean(std::string_view typed, const std::vector<std::string>& names);

}  // namespace ppr
