// This rank's shard of the item table: the rows whose owner it is. Initial rows depend on (seed, id, column)
// alone.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "dist/owner_map.h"

namespace ppr::model {

struct ItemTable {
  // Rows of `this_rank` with N(0, init_std) entries.
  ItemTable(int64_t num_items, int64_t width, int this_rank, int world_size, uint64_t seed, double init_std);

  dist::OwnerMap owners;
  int rank;
  at::Tensor rows;  // [num_rows(rank), d] f32, at its slot
};

}  // namespace ppr::model
