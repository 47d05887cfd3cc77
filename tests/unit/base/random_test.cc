// Counter-based random numbers: golden values (a change would change every run), and distributions.
#include "base/random.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <vector>

namespace ppr {
namespace {

// splitmix64's published outputs: its first two for seed 0, its first for seed 1234567.
TEST(Random, MixBitsIsSplitmix64) {
  static_assert(MixBits(0) == 0xe220a8397b1dcdafULL);
  EXPECT_EQ(MixBits(0x9E3779B97F4A7C15ULL), 0x6e789e6aa1b965f4ULL);
  EXPECT_EQ(MixBits(1234567), 6457827717110365317ULL);
}

// Computed with a separate implementation in Python. Stored datasets and checkpoints rest on these.
TEST(Random, GoldenValuesOfKeys) {
  const RandomKey key = MakeRandomKey(1, RandomSite::kNegative);
  EXPECT_EQ(key.state(), 0xe13e0a6e09fdfea1ULL);
  EXPECT_EQ(key.With(3).With(7).Bits(), 0xda75fea4c5ad4d64ULL);
  EXPECT_EQ(key.Bits(9), 0xa4284e1b8aaaa884ULL);
  EXPECT_EQ(key.Below(1000, 9), 641u);
  EXPECT_DOUBLE_EQ(key.Uniform(9), 0.6412400071373364);
}

TEST(Random, EveryWordOfTheKeyMatters) {
  std::set<uint64_t> seen;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    for (const RandomSite site : {RandomSite::kNegative, RandomSite::kDropout}) {
      for (uint64_t user = 0; user < 10; ++user) {
        for (uint64_t position = 0; position < 10; ++position) {
          seen.insert(MakeRandomKey(seed, site).With(user).With(position).Bits());
        }
      }
    }
  }
  EXPECT_EQ(seen.size(), 2000u);
  const RandomKey key = MakeRandomKey(1, RandomSite::kTest);
  EXPECT_NE(key.With(1).With(2).Bits(), key.With(2).With(1).Bits()) << "the order of words matters";
}

// 64 bins, 200,000 draws: chi-square has 63 degrees of freedom; 120 is beyond its 99.998 % quantile. The
// draws are fixed.
TEST(Random, BelowIsUniform) {
  const RandomKey key = MakeRandomKey(7, RandomSite::kTest);
  std::array<int, 64> bins = {};
  constexpr int kDraws = 200'000;
  for (int i = 0; i < kDraws; ++i) ++bins[key.Below(64, static_cast<uint64_t>(i))];
  double chi_square = 0;
  for (const int count : bins)
    chi_square += (count - kDraws / 64.0) * (count - kDraws / 64.0) / (kDraws / 64.0);
  EXPECT_LT(chi_square, 120);
}

TEST(Random, BelowStaysBelow) {
  const RandomKey key = MakeRandomKey(7, RandomSite::kTest);
  for (const uint64_t bound : {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{1} << 40, ~uint64_t{0}}) {
    for (uint64_t i = 0; i < 1000; ++i) EXPECT_LT(key.Below(bound, i), bound);
  }
}

// Neighbouring counters must not be related: correlation of 100,000 pairs has a standard deviation of 0.0032.
TEST(Random, NeighboursAreIndependent) {
  const RandomKey key = MakeRandomKey(7, RandomSite::kTest);
  double sum = 0;
  constexpr int kPairs = 100'000;
  for (uint64_t i = 0; i < kPairs; ++i) sum += (key.Uniform(i) - 0.5) * (key.Uniform(i + 1) - 0.5);
  EXPECT_NEAR(sum / kPairs * 12, 0, 5 * 0.0032);
}

// Mean, variance and fourth moment of 100,000 standard normals: standard deviations 0.0032, 0.0045 and 0.031.
TEST(Random, NormalHasTheMomentsOfANormal) {
  const RandomKey key = MakeRandomKey(7, RandomSite::kTest);
  double mean = 0, square = 0, fourth = 0;
  constexpr int kDraws = 100'000;
  for (uint64_t i = 0; i < kDraws; ++i) {
    const double x = key.Normal(i);
    ASSERT_TRUE(std::isfinite(x));
    mean += x / kDraws;
    square += x * x / kDraws;
    fourth += x * x * x * x / kDraws;
  }
  EXPECT_NEAR(mean, 0, 5 * 0.0032);
  EXPECT_NEAR(square, 1, 5 * 0.0045);
  EXPECT_NEAR(fourth, 3, 5 * 0.031);
}

}  // namespace
}  // namespace ppr
