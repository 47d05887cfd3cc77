// Which rows of a shard written at one world size a rank of another world size keeps.
//
// Row `scatter` (0..V-1, of dist::OwnerMap) lies at slot scatter / W of rank scatter mod W, for every W. The
// rows that rank r of W and rank r' of W' both keep therefore solve scatter = r mod W = r' mod W': by the
// Chinese remainder theorem none when r and r' differ modulo gcd(W, W'), else every lcm(W, W')-th row. In
// either shard these are slots at a constant stride, which HDF5 reads as one hyperslab.
#pragma once

#include <cstdint>

namespace ppr::checkpoint {

struct RowProgression {
  int64_t count = 0;
  int64_t from_slot = 0, from_stride = 1;  // in the shard as written
  int64_t to_slot = 0, to_stride = 1;      // in the reader's rows
};

// The rows of `num_items` that `from_rank` of `from_world` wrote and `to_rank` of `to_world` keeps.
RowProgression RowsInCommon(int64_t num_items, int from_world, int from_rank, int to_world, int to_rank);

}  // namespace ppr::checkpoint
