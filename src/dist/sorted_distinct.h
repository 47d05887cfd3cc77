// The distinct values of a list, ascending, and where each element of the list found its own: the
// deduplication on both sides of a row exchange.
#pragma once

#include <cstdint>
#include <vector>

namespace ppr::dist {

struct SortedDistinct {
  std::vector<int64_t> values;  // [D] ascending
  std::vector<int64_t> index;   // [n] values[index[i]] is element i of the list
};

// `list` of n values in [0, bound); n and bound below 2^32 (BugError): item ids are 32-bit in datasets. A
// radix sort, linear in n: its passes grow with the bits of `bound`.
SortedDistinct FindSortedDistinct(const int64_t* list, int64_t n, int64_t bound);

}  // namespace ppr::dist
