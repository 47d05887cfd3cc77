// Initial rows follow from (seed, id, column), whatever the number of ranks.
#include "model/item_table.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace ppr::model {
namespace {

// All rows by id - 1, collected from the shards of `world_size` ranks.
at::Tensor WholeTable(int64_t num_items, int world_size, uint64_t seed) {
  at::Tensor whole = at::full({num_items, 5}, -99, at::kFloat);
  for (int rank = 0; rank < world_size; ++rank) {
    const ItemTable table(num_items, 5, rank, world_size, seed, 0.5);
    for (int64_t slot = 0; slot < table.rows.size(0); ++slot) {
      whole[table.owners.id(rank, slot) - 1].copy_(table.rows[slot]);
    }
  }
  return whole;
}

TEST(ItemTable, RowsDoNotDependOnTheNumberOfRanks) {
  const at::Tensor one = WholeTable(37, 1, 4);
  for (const int world_size : {2, 3, 4})
    EXPECT_TRUE(at::equal(WholeTable(37, world_size, 4), one)) << world_size;
  EXPECT_FALSE(at::equal(WholeTable(37, 1, 5), one));
}

TEST(ItemTable, RanksWithoutRowsWork) {
  const ItemTable table(2, 5, 3, 4, 1, 0.5);
  EXPECT_EQ(table.rows.size(0), table.owners.num_rows(3));
  EXPECT_TRUE(at::equal(WholeTable(2, 4, 1), WholeTable(2, 1, 1)));
}

TEST(ItemTable, EntriesAreNormalWithTheAskedSpread) {
  const at::Tensor rows = WholeTable(4000, 1, 4);
  // 20,000 values: 5 sigma / sqrt(20,000) for the mean, 5 sigma / sqrt(40,000) for the deviation.
  EXPECT_NEAR(rows.mean().item<double>(), 0, 5 * 0.5 / 141);
  EXPECT_NEAR(rows.std().item<double>(), 0.5, 5 * 0.5 / 200);
}

}  // namespace
}  // namespace ppr::model
