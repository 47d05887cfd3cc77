// Independent work dealt to the ranks like cards, in rounds that all ranks take part in.
#pragma once

#include <c10/util/FunctionRef.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "dist/communicator.h"

namespace ppr::dist {

// Calls body(places) with this rank's places of 0 .. count - 1, ascending, at most `batch` at a time: place i
// is rank i mod W's, so that the ranks' shares of every round differ by one at most. As many calls on every
// rank; `places` may be empty. Communicates only where the body does.
inline void DealInRounds(const dist::Communicator& communicator, int64_t count, int64_t batch,
                         c10::function_ref<void(const std::vector<int64_t>& places)> body) {
  const int64_t places_a_round = batch * communicator.size();
  std::vector<int64_t> places;
  for (int64_t first = 0; first < count; first += places_a_round) {
    places.clear();
    const int64_t end = std::min(count, first + places_a_round);
    for (int64_t place = first + communicator.rank(); place < end; place += communicator.size())
      places.push_back(place);
    body(places);
  }
}

}  // namespace ppr::dist
