// Deduplication against std::set.
#include "dist/sorted_distinct.h"

#include <gtest/gtest.h>

#include <set>

#include "base/errors.h"
#include "base/random.h"

namespace ppr::dist {
namespace {

TEST(SortedDistinct, RefusesWhatItsElementsCannotHold) {
  const int64_t list[] = {1};
  EXPECT_THROW(FindSortedDistinct(list, 1, int64_t{1} << 32), BugError);
}

TEST(SortedDistinct, AgreesWithASet) {
  const RandomKey key = MakeRandomKey(3, RandomSite::kTest);
  // Bounds with one digit, on the edge of a digit, and with several.
  for (const int64_t bound :
       {int64_t{1}, int64_t{10}, int64_t{2048}, int64_t{2049}, int64_t{1} << 22, (int64_t{1} << 32) - 1}) {
    for (const int64_t n : {0, 1, 2, 13, 5000}) {
      std::vector<int64_t> list;
      for (int64_t i = 0; i < n; ++i) {
        list.push_back(
            static_cast<int64_t>(key.With(static_cast<uint64_t>(n))
                                     .Below(static_cast<uint64_t>(bound), static_cast<uint64_t>(i))));
      }
      if (n > 1) list[1] = bound - 1;  // the largest value allowed
      const SortedDistinct distinct = FindSortedDistinct(list.data(), n, bound);
      const std::set<int64_t> expected(list.begin(), list.end());
      EXPECT_EQ(distinct.values, std::vector<int64_t>(expected.begin(), expected.end())) << bound << " " << n;
      ASSERT_EQ(distinct.index.size(), list.size());
      for (size_t i = 0; i < list.size(); ++i)
        ASSERT_EQ(distinct.values.at(static_cast<size_t>(distinct.index[i])), list[i]);
    }
  }
}

}  // namespace
}  // namespace ppr::dist
