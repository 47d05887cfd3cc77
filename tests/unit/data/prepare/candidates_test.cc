#include "data/prepare/candidates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace ppr::data {
namespace {

TEST(CandidateDrawer, DrawsDistinctItemsThatAreNotTheUsersOwn) {
  CandidateDrawer drawer(1, 50);
  const std::vector<int32_t> history = {3, 50, 3, 1};
  drawer.StartUser(history);
  EXPECT_EQ(drawer.num_own(), 3);
  for (int32_t position = 0; position < 200; ++position) {
    std::vector<int32_t> candidates(40);
    drawer.Draw("u", position, candidates);
    std::set<int32_t> distinct(candidates.begin(), candidates.end());
    EXPECT_EQ(distinct.size(), candidates.size());
    EXPECT_GE(*distinct.begin(), 1);
    EXPECT_LE(*distinct.rbegin(), 50);
    for (const int32_t item : history) EXPECT_FALSE(distinct.contains(item));
  }
}

TEST(CandidateDrawer, GivesAllOthersWhenAllAreAskedFor) {
  CandidateDrawer drawer(1, 10);
  drawer.StartUser(std::vector<int32_t>{2, 4});
  std::vector<int32_t> candidates(8);
  drawer.Draw("u", 0, candidates);
  std::sort(candidates.begin(), candidates.end());
  EXPECT_EQ(candidates, (std::vector<int32_t>{1, 3, 5, 6, 7, 8, 9, 10}));
}

TEST(CandidateDrawer, DependsOnSeedUserAndPositionAlone) {
  const auto draw = [](CandidateDrawer& drawer, const char* user, int32_t position) {
    std::vector<int32_t> candidates(20);
    drawer.StartUser(std::vector<int32_t>{7});
    drawer.Draw(user, position, candidates);
    return candidates;
  };
  CandidateDrawer one(1, 1000), other(1, 1000), reseeded(2, 1000);
  const std::vector<int32_t> expected = draw(one, "a", 4);
  draw(other, "b", 0);
  draw(other, "a", 5);
  EXPECT_EQ(draw(other, "a", 4), expected);
  EXPECT_NE(draw(other, "a", 5), expected);
  EXPECT_NE(draw(other, "b", 4), expected);
  EXPECT_NE(draw(reseeded, "a", 4), expected);
}

TEST(CandidateDrawer, IsUniform) {
  constexpr int32_t kItems = 20, kDraws = 5;
  constexpr int kCases = 20'000;
  CandidateDrawer drawer(9, kItems);
  drawer.StartUser(std::vector<int32_t>{6});
  std::vector<int> counts(kItems + 1, 0);
  std::vector<int32_t> candidates(kDraws);
  for (int32_t position = 0; position < kCases; ++position) {
    drawer.Draw("user", position, candidates);
    for (const int32_t item : candidates) ++counts[item];
  }
  // Each other item is in a case with p = 5/19; 5 standard deviations of a binomial count.
  const double p = 5.0 / 19.0, expected = kCases * p, tolerance = 5 * std::sqrt(kCases * p * (1 - p));
  for (int32_t item = 1; item <= kItems; ++item) {
    if (item == 6) {
      EXPECT_EQ(counts[item], 0);
    } else {
      EXPECT_NEAR(counts[item], expected, tolerance) << item;
    }
  }
}

}  // namespace
}  // namespace ppr::data
