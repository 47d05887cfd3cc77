// Small packed batches for tests.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "model/packed_layout.h"

namespace ppr::model {

// Sequences of the given lengths, each of which starts with up to `prompts` tokens without a position. Token
// keys follow from (sequence id, place), with ids 0, 1, ... unless given.
inline PackedLayout MakeLayout(const std::vector<int64_t>& lengths, int64_t prompts = 0,
                               std::vector<int64_t> sequence_ids = {}) {
  PackedLayout layout;
  layout.offsets = {0};
  std::vector<int64_t> positions, keys;
  for (size_t b = 0; b < lengths.size(); ++b) {
    const int64_t id = sequence_ids.empty() ? static_cast<int64_t>(b) : sequence_ids[b];
    layout.offsets.push_back(layout.offsets.back() + lengths[b]);
    for (int64_t place = 0; place < lengths[b]; ++place) {
      positions.push_back(place < prompts ? -1 : place - prompts);
      keys.push_back(static_cast<int64_t>(MakeRandomKey(5, RandomSite::kTest)
                                              .With(static_cast<uint64_t>(id))
                                              .Bits(static_cast<uint64_t>(place))));
    }
  }
  layout.positions = at::tensor(positions, at::kLong);
  layout.token_keys = at::tensor(keys, at::kLong);
  return layout;
}

}  // namespace ppr::model
