// The owner function: a bijection, balanced, that spreads popular ids, and that never changes.
#include "dist/owner_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/errors.h"

namespace ppr::dist {
namespace {

constexpr int kWorldSizes[] = {1, 2, 3, 4, 7, 8, 64};

// Around powers of two, primes, highly composite, smaller than W.
constexpr int64_t kSmallSizes[] = {1,  2,  3,  4,  5,   6,   7,    8,    13,   16,
                                   31, 60, 64, 97, 128, 720, 1000, 1009, 4096, 30030};

TEST(OwnerMap, IsABijectionWithDenseSlots) {
  for (const int64_t num_items : kSmallSizes) {
    for (const int world_size : kWorldSizes) {
      const OwnerMap owners(num_items, world_size);
      std::vector<std::vector<bool>> taken(static_cast<size_t>(world_size));
      for (int rank = 0; rank < world_size; ++rank)
        taken[static_cast<size_t>(rank)].resize(static_cast<size_t>(owners.num_rows(rank)));
      for (int64_t id = 1; id <= num_items; ++id) {
        const auto owner = static_cast<size_t>(owners.owner(id));
        const auto slot = static_cast<size_t>(owners.slot(id));
        ASSERT_LT(owner, taken.size());
        ASSERT_LT(slot, taken[owner].size()) << "V " << num_items << " W " << world_size << " id " << id;
        ASSERT_FALSE(taken[owner][slot]) << "V " << num_items << " W " << world_size << " id " << id;
        taken[owner][slot] = true;
        ASSERT_EQ(owners.id(static_cast<int>(owner), static_cast<int64_t>(slot)), id);
      }
    }
  }
}

TEST(OwnerMap, InverseHoldsForLargeTables) {
  // Both sides of the switch from 64-bit to 128-bit products, and sizes where a 64-bit product would
  // overflow.
  for (const int64_t num_items : {int64_t{10'000'000}, (int64_t{1} << 31) - 1, int64_t{1} << 31,
                                  (int64_t{1} << 40) + 15, (int64_t{1} << 62) + 1}) {
    const OwnerMap owners(num_items, 8);
    for (int64_t sample = 0; sample < 20'000; ++sample) {
      const int64_t id =
          static_cast<int64_t>(static_cast<unsigned __int128>(num_items) * sample / 20'000) + 1;
      ASSERT_EQ(owners.id(owners.owner(id), owners.slot(id)), id) << "V " << num_items;
    }
    ASSERT_EQ(owners.id(owners.owner(num_items), owners.slot(num_items)), num_items);
  }
}

TEST(OwnerMap, RowsAreFloorOrCeilOfTheShare) {
  for (const int64_t num_items : kSmallSizes) {
    for (const int world_size : kWorldSizes) {
      const OwnerMap owners(num_items, world_size);
      int64_t total = 0;
      for (int rank = 0; rank < world_size; ++rank) {
        total += owners.num_rows(rank);
        EXPECT_GE(owners.num_rows(rank), num_items / world_size);
        EXPECT_LE(owners.num_rows(rank), (num_items + world_size - 1) / world_size);
      }
      EXPECT_EQ(total, num_items);
    }
  }
}

// Ids are sorted by popularity as a rule: any run of neighbours must be dealt out evenly, whatever V and W
// share.
TEST(OwnerMap, PopularIdsSpreadOverTheRanks) {
  for (const int64_t num_items :
       {int64_t{1000}, int64_t{3416}, int64_t{12101}, int64_t{65536}, int64_t{1'000'000}}) {
    for (const int world_size : {2, 3, 4, 8, 16}) {
      const OwnerMap owners(num_items, world_size);
      const int64_t run = 20 * world_size;
      std::vector<int64_t> owned(static_cast<size_t>(world_size), 0);
      for (int64_t id = 1; id <= run; ++id) ++owned[static_cast<size_t>(owners.owner(id))];
      // 20 each on average. An additive sequence near the golden ratio strays by a few; a block or a shared
      // factor of stride and W would leave ranks with 0 or all.
      EXPECT_GE(*std::min_element(owned.begin(), owned.end()), 10)
          << "V " << num_items << " W " << world_size;
      EXPECT_LE(*std::max_element(owned.begin(), owned.end()), 30)
          << "V " << num_items << " W " << world_size;
    }
  }
}

// Checkpoints are laid out by this function: a change here makes every one of them unreadable. If this test
// fails, the function needs a new name instead of new numbers.
TEST(OwnerMap, NeverChanges) {
  const auto places = [](int64_t num_items, int world_size, std::vector<int64_t> ids) {
    const OwnerMap owners(num_items, world_size);
    std::vector<std::pair<int, int64_t>> result;
    for (const int64_t id : ids) result.emplace_back(owners.owner(id), owners.slot(id));
    return result;
  };
  using Places = std::vector<std::pair<int, int64_t>>;
  EXPECT_STREQ(OwnerMap::kName, "affine-1");
  EXPECT_EQ(places(10, 3, {1, 2, 3, 10}), (Places{{0, 1}, {0, 0}, {1, 2}, {0, 2}}));
  EXPECT_EQ(places(12101, 4, {1, 2, 3, 12101}), (Places{{1, 1008}, {3, 2877}, {0, 1722}, {0, 2164}}));
  EXPECT_EQ(places(1'000'000, 8, {1, 2, 3, 1'000'000}),
            (Places{{5, 41666}, {6, 118920}, {7, 71174}, {4, 89412}}));
  EXPECT_EQ(places((int64_t{1} << 40) + 15, 7, {1, 2, 3, int64_t{1} << 40}),
            (Places{{3, 52357696561}, {2, 149434204704}, {5, 89437623162}, {0, 69864463120}}));
}

TEST(OwnerMap, RefusesWhatItCannotMap) {
  EXPECT_THROW(OwnerMap(0, 1), BugError);
  EXPECT_THROW(OwnerMap(5, 0), BugError);
  EXPECT_THROW(OwnerMap(5, 2).id(0, 3), BugError);
  EXPECT_THROW(OwnerMap(5, 2).id(2, 0), BugError);
  EXPECT_THROW(OwnerMap(5, 2).id(0, -1), BugError);
}

}  // namespace
}  // namespace ppr::dist
