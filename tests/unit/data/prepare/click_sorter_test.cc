#include "data/prepare/click_sorter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "base/errors.h"
#include "base/random.h"
#include "support/temporary_folder.h"

namespace ppr::data {
namespace {

using test::TemporaryFolder;

constexpr int32_t kUsers = 60;

// Item numbers are row numbers, so that the order of arrival can be seen. User 7 has a third of all clicks,
// user 9 none.
std::vector<Click> SomeClicks(int32_t count) {
  const RandomKey key = MakeRandomKey(5, RandomSite::kTest);
  std::vector<Click> clicks;
  for (int32_t row = 0; row < count; ++row) {
    const RandomKey of_row = key.With(static_cast<uint64_t>(row));
    auto user = static_cast<int32_t>(of_row.Below(kUsers, 0));
    if (user == 9 || of_row.Below(3, 1) == 0) user = 7;
    clicks.push_back({static_cast<int64_t>(of_row.Below(50, 2)) - 25, user, row});
  }
  return clicks;
}

std::vector<Click> Sorted(std::vector<Click> clicks) {
  std::stable_sort(clicks.begin(), clicks.end(), [](const Click& a, const Click& b) {
    return std::tie(a.user, a.time) < std::tie(b.user, b.time);
  });
  return clicks;
}

bool Same(const std::vector<Click>& a, const std::vector<Click>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Click& x, const Click& y) {
    return x.time == y.time && x.user == y.user && x.item == y.item;
  });
}

std::vector<Click> SortThrough(const std::vector<Click>& clicks, int64_t memory_bytes, int num_threads,
                               const FinishUser& finish_user, bool* spilled, std::vector<int64_t>* counts) {
  const TemporaryFolder folder;
  ClickSorter sorter(memory_bytes, folder.path(), num_threads);
  for (size_t first = 0; first < clicks.size(); first += 777) {
    sorter.Add(std::span(clicks).subspan(first, std::min<size_t>(777, clicks.size() - first)));
  }
  const SortedClicks sorted = sorter.Sort(kUsers, finish_user);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));  // spill files have no name
  *spilled = sorted.spilled();
  *counts = sorted.user_clicks();
  std::vector<Click> result;
  int32_t last_user = -1;
  sorted.ForEachRange([&](std::span<const Click> range) {
    ASSERT_FALSE(range.empty());
    EXPECT_GT(range.front().user, last_user);  // ranges never split a user
    last_user = range.back().user;
    result.insert(result.end(), range.begin(), range.end());
  });
  return result;
}

TEST(ClickSorter, SortsLikeStableSortWithinAnyBudget) {
  const std::vector<Click> clicks = SomeClicks(20'000), expected = Sorted(clicks);
  const FinishUser keep_all = [](std::span<Click> own) { return static_cast<int64_t>(own.size()); };
  // 1 GiB holds all; 1 byte means the least buffer of 1024 clicks: 20 runs, and user 7 larger than the
  // buffer.
  for (const auto& [memory_bytes, expect_spill] :
       {std::pair(int64_t{1} << 30, false), std::pair(int64_t{200'000}, true), std::pair(int64_t{1}, true)}) {
    for (const int num_threads : {1, 2, 5}) {
      bool spilled = false;
      std::vector<int64_t> counts;
      EXPECT_TRUE(Same(SortThrough(clicks, memory_bytes, num_threads, keep_all, &spilled, &counts), expected))
          << memory_bytes << " bytes, " << num_threads << " threads";
      EXPECT_EQ(spilled, expect_spill);
      ASSERT_EQ(counts.size(), static_cast<size_t>(kUsers));
      for (int32_t user = 0; user < kUsers; ++user) {
        EXPECT_EQ(counts[user], std::count_if(expected.begin(), expected.end(),
                                              [&](const Click& click) { return click.user == user; }));
      }
    }
  }
}

TEST(ClickSorter, KeepsWhatFinishUserKeeps) {
  const std::vector<Click> clicks = SomeClicks(5000);
  // The first three of each user, latest first; nobody's who is a multiple of 5.
  const FinishUser finish = [](std::span<Click> own) -> int64_t {
    if (own[0].user % 5 == 0) return 0;
    const size_t kept = std::min<size_t>(3, own.size());
    std::reverse(own.begin(), own.begin() + static_cast<ptrdiff_t>(kept));
    return static_cast<int64_t>(kept);
  };
  std::vector<Click> expected;
  const std::vector<Click> sorted = Sorted(clicks);
  for (size_t first = 0; first < sorted.size();) {
    size_t last = first;
    while (last < sorted.size() && sorted[last].user == sorted[first].user) ++last;
    const size_t kept = sorted[first].user % 5 == 0 ? 0 : std::min<size_t>(3, last - first);
    for (size_t i = kept; i > 0; --i) expected.push_back(sorted[first + i - 1]);
    first = last;
  }
  for (const int64_t memory_bytes : {int64_t{1} << 30, int64_t{1}}) {
    bool spilled = false;
    std::vector<int64_t> counts;
    EXPECT_TRUE(Same(SortThrough(clicks, memory_bytes, 2, finish, &spilled, &counts), expected))
        << memory_bytes;
    EXPECT_EQ(counts[5], 0);
    EXPECT_EQ(counts[7], 3);
  }
}

TEST(ClickSorter, SaysWhenItCannotSpill) {
  ClickSorter sorter(1, "/no/such/folder", 1);
  EXPECT_THROW(sorter.Add(SomeClicks(3000)), StorageError);
}

TEST(ClickSorter, FailureOfOneThreadReachesTheCaller) {
  ClickSorter sorter(int64_t{1} << 20, "/tmp", 3);
  sorter.Add(SomeClicks(1000));
  EXPECT_THROW(sorter.Sort(kUsers,
                           [](std::span<Click> own) -> int64_t {
                             if (own[0].user == kUsers - 1) throw DataError("bad");
                             return 0;
                           }),
               DataError);
}

}  // namespace
}  // namespace ppr::data
