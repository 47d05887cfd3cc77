// Splits groups of unequal size (sequences, or the occurrences of a row) over threads by their elements, not
// their number.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>

namespace ppr::model {

// starts [groups + 1], ascending: group g holds elements [starts[g], starts[g+1]). Calls body(first, last) on
// disjoint ranges of groups that together hold every group that has an element. A group goes to the thread
// that its first element falls to, so each is handled by exactly one call whatever the number of threads.
template <typename Body>
void ParallelOverGroups(const int64_t* starts, int64_t groups, int64_t grain_elements, const Body& body) {
  if (groups == 0 || starts[0] == starts[groups]) return;
  at::parallel_for(starts[0], starts[groups], grain_elements, [&](int64_t begin, int64_t end) {
    const int64_t first = std::lower_bound(starts, starts + groups, begin) - starts;
    const int64_t last = std::lower_bound(starts, starts + groups, end) - starts;
    if (first < last) body(first, last);
  });
}

}  // namespace ppr::model
