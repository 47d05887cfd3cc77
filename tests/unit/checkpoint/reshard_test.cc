// The arithmetic of resharding against the owner function itself, row by row.
#include "checkpoint/reshard.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "dist/owner_map.h"

namespace ppr::checkpoint {
namespace {

TEST(RowsInCommon, EqualWhatTheOwnerFunctionSays) {
  for (const int64_t num_items : {1, 2, 5, 12, 101, 1000}) {
    for (int from_world = 1; from_world <= 8; ++from_world) {
      for (int to_world = 1; to_world <= 8; ++to_world) {
        const dist::OwnerMap from(num_items, from_world);
        const dist::OwnerMap to(num_items, to_world);
        // (from rank, to rank) -> slot there -> slot here
        std::map<std::pair<int, int>, std::map<int64_t, int64_t>> expected;
        for (int64_t id = 1; id <= num_items; ++id) {
          expected[{from.owner(id), to.owner(id)}][from.slot(id)] = to.slot(id);
        }
        for (int from_rank = 0; from_rank < from_world; ++from_rank) {
          for (int to_rank = 0; to_rank < to_world; ++to_rank) {
            const RowProgression rows = RowsInCommon(num_items, from_world, from_rank, to_world, to_rank);
            std::map<int64_t, int64_t> found;
            for (int64_t k = 0; k < rows.count; ++k) {
              found[rows.from_slot + k * rows.from_stride] = rows.to_slot + k * rows.to_stride;
            }
            EXPECT_EQ(found, (expected[{from_rank, to_rank}]))
                << num_items << " items, rank " << from_rank << " of " << from_world << " to " << to_rank
                << " of " << to_world;
          }
        }
      }
    }
  }
}

TEST(RowsInCommon, CountsRowsBeyond32Bits) {
  const int64_t num_items = int64_t{1} << 40;
  int64_t total = 0;
  for (int from_rank = 0; from_rank < 6; ++from_rank) {
    const RowProgression rows = RowsInCommon(num_items, 6, from_rank, 4, 1);
    EXPECT_EQ(rows.count > 0, from_rank % 2 == 1);
    if (rows.count > 0) {
      EXPECT_EQ(rows.to_stride, 3);
    }
    total += rows.count;
  }
  EXPECT_EQ(total, dist::OwnerMap(num_items, 4).num_rows(1));
}

}  // namespace
}  // namespace ppr::checkpoint
