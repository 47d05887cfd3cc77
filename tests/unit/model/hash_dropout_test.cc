// Dropout masks: golden bits, rate, mean, independence of batch order, and the gradient.
#include "model/hash_dropout.h"
#include "model/dropout_bits.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/errors.h"
#include "support/gradient_check.h"
#include "unit/model/packed_batches.h"

namespace ppr::model {
namespace {

using test::LargestDifference;
using test::NormalTensor;
using test::NormalVariable;

at::Tensor RandomKeys(int64_t n) { return MakeLayout({n}).token_keys; }

TEST(DropoutBits, NeverChange) {
  struct Case {
    uint64_t key, site;
    uint32_t lane, bits;
  };
  constexpr Case kGolden[] = {
      // from an implementation with unbounded integers
      {0x0000000000000000ULL, 0, 0, 0x00000000U},       {0x0000000000000001ULL, 0, 0, 0x688990C0U},
      {0x0123456789ABCDEFULL, 0, 0, 0x3AA40F54U},       {0x0123456789ABCDEFULL, 5, 63, 0x33D960E2U},
      {0xFFFFFFFFFFFFFFFFULL, 9, 1048583, 0x48A8B7BCU},
  };
  for (const Case& c : kGolden) EXPECT_EQ(DropoutBits(c.key, c.site, c.lane), c.bits);
}

TEST(HashDropout, KernelAndOracleDrawWhatDropoutKeepSays) {
  constexpr double kRate = 0.3;
  constexpr uint64_t kSite = 6;
  const uint32_t threshold = DropoutThreshold(kRate);
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    const at::Tensor keys = RandomKeys(37),
                     input = at::ones({37, 19}, dtype);  // 19: whole vectors and a rest
    const at::Tensor dropped = HashDropout(input, keys, kSite, kRate);
    const at::Tensor keep = DropoutKeepTensor(keys, kSite, at::arange(19), threshold);
    for (int64_t t = 0; t < 37; ++t) {
      for (int64_t lane = 0; lane < 19; ++lane) {
        const bool expected = DropoutKeep(static_cast<uint64_t>(keys[t].item<int64_t>()), kSite,
                                          static_cast<uint32_t>(lane), threshold);
        EXPECT_EQ(keep[t][lane].item<bool>(), expected);
        EXPECT_NEAR(dropped[t][lane].item<double>(), expected ? DropoutScale(threshold) : 0,
                    1e-7);  // float rounding
      }
    }
  }
}

TEST(HashDropout, KeepsTheAskedShareAndTheMean) {
  constexpr int64_t kTokens = 2000, kWidth = 100;
  constexpr double kElements = kTokens * kWidth;
  const at::Tensor keys = RandomKeys(kTokens), input = at::ones({kTokens, kWidth}, at::kDouble);
  for (const double rate : {0.05, 0.2, 0.5, 0.9}) {
    const at::Tensor dropped = HashDropout(input, keys, 1, rate);
    const double share = dropped.ne(0).to(at::kDouble).mean().item<double>();
    const double sigma = std::sqrt(rate * (1 - rate) / kElements);
    EXPECT_NEAR(share, 1 - rate, 5 * sigma + 1.0 / 65536) << rate;  // the rate is rounded to 1 / 65536
    EXPECT_NEAR(dropped.mean().item<double>(), 1, 5 * sigma / (1 - rate)) << rate;
  }
}

TEST(HashDropout, SitesAndTokensAreIndependent) {
  const at::Tensor keys = RandomKeys(2000), lanes = at::arange(100);
  const at::Tensor one = DropoutKeepTensor(keys, 1, lanes, 32768),
                   two = DropoutKeepTensor(keys, 2, lanes, 32768);
  const at::Tensor neighbour = DropoutKeepTensor(keys.roll(1), 1, lanes, 32768);
  // Two fair coins agree half of the time; 200,000 pairs, 5 sigma.
  EXPECT_NEAR(one.eq(two).to(at::kDouble).mean().item<double>(), 0.5, 5 * 0.5 / std::sqrt(2e5));
  EXPECT_NEAR(one.eq(neighbour).to(at::kDouble).mean().item<double>(), 0.5, 5 * 0.5 / std::sqrt(2e5));
}

TEST(HashDropout, DoesNotDependOnBatchOrder) {
  const at::Tensor keys = RandomKeys(50), input = NormalTensor({50, 16}, 1),
                   order = at::randperm(50, at::kLong);
  const at::Tensor reordered = HashDropout(input.index_select(0, order), keys.index_select(0, order), 3, 0.4);
  EXPECT_EQ(LargestDifference(reordered, HashDropout(input, keys, 3, 0.4).index_select(0, order)), 0);
}

TEST(HashDropout, AddsTheResidual) {
  const at::Tensor keys = RandomKeys(20), residual = NormalTensor({20, 9}, 1),
                   branch = NormalTensor({20, 9}, 2);
  const at::Tensor expected = residual + HashDropout(branch, keys, 3, 0.4);
  EXPECT_LT(LargestDifference(AddHashDropout(residual, branch, keys, 3, 0.4), expected), 1e-15);
  EXPECT_EQ(LargestDifference(AddHashDropout(residual, branch, at::Tensor(), 3, 0), residual + branch), 0);
}

TEST(HashDropout, GradientsMatchDifferences) {
  const at::Tensor keys = RandomKeys(7);
  const at::Tensor input = NormalVariable({7, 5}, 1), residual = NormalVariable({7, 5}, 2);
  test::ExpectGradientsMatchDifferences([&] { return test::WeightedSum(HashDropout(input, keys, 2, 0.5)); },
                                        {{"input", input}});
  test::ExpectGradientsMatchDifferences(
      [&] { return test::WeightedSum(AddHashDropout(residual, input, keys, 2, 0.5)); },
      {{"residual", residual}, {"branch", input}});
}

TEST(HashDropout, RefusesRatesThatKeepNothing) {
  const at::Tensor keys = RandomKeys(2), input = at::ones({2, 2}, at::kDouble);
  EXPECT_THROW(HashDropout(input, keys, 0, 1.0), BugError);
  EXPECT_THROW(HashDropout(input, keys, 0, -0.1), BugError);
  EXPECT_THROW(HashDropout(input, keys, 0, 0.999999), BugError);  // rounds to 1
  EXPECT_THROW(HashDropout(input, keys, 0, std::nan("")), BugError);
  EXPECT_THROW(HashDropout(input, RandomKeys(3), 0, 0.5), BugError);
}

}  // namespace
}  // namespace ppr::model
