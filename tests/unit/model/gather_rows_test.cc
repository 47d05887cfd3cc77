// Gathering rows, and the deterministic sum of their gradients.
#include "model/gather_rows.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "support/gradient_check.h"

namespace ppr::model {
namespace {

using testing::ElementsAre;

TEST(InvertedIndex, ListsPlacesByRowAscending) {
  const std::vector<int64_t> index = {2, 0, -1, 2, 4, 0, 2};
  const InvertedIndex occurrences(index.data(), 7, 5);
  EXPECT_THAT(occurrences.starts, ElementsAre(0, 2, 2, 5, 5, 6));
  EXPECT_THAT(occurrences.places, ElementsAre(1, 5, 0, 3, 6, 4));
}

TEST(InvertedIndex, TakesEmptyIndexesAndNoRows) {
  EXPECT_THAT(InvertedIndex(nullptr, 0, 3).starts, ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(InvertedIndex(nullptr, 0, 0).starts, ElementsAre(0));
}

TEST(GatherRows, TakesRowsAndZerosForNone) {
  const at::Tensor source = test::NormalTensor({4, 3}, 1);
  const at::Tensor index = at::tensor({3L, -1L, 0L, 3L}, at::kLong).view({2, 2});
  const at::Tensor rows = GatherRows(source, index);
  EXPECT_EQ(rows.sizes(), (std::vector<int64_t>{2, 2, 3}));
  EXPECT_TRUE(at::equal(rows[0][0], source[3]));
  EXPECT_TRUE(at::equal(rows[0][1], at::zeros({3}, at::kDouble)));
  EXPECT_TRUE(at::equal(rows[1][0], source[0]));
}

TEST(GatherRows, GradientsMatchDifferences) {
  const at::Tensor source = test::NormalVariable({5, 3}, 1);
  const at::Tensor index = at::tensor({3L, -1L, 0L, 3L, 3L, 4L}, at::kLong);
  test::ExpectGradientsMatchDifferences([&] { return test::WeightedSum(GatherRows(source, index)); },
                                        {{"source", source}});
}

TEST(GatherRows, GradientDoesNotDependOnThreads) {
  const at::Tensor index = (at::arange(5000) * 7919) % 61;
  const at::Tensor weights = test::NormalTensor({5000, 8}, 2).to(at::kFloat);
  std::vector<at::Tensor> gradients;
  const int threads_before = at::get_num_threads();
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    const at::Tensor source = at::ones({61, 8}, at::kFloat).set_requires_grad(true);
    gradients.push_back(torch::autograd::grad({(GatherRows(source, index) * weights).sum()}, {source})[0]);
  }
  at::set_num_threads(threads_before);
  EXPECT_TRUE(at::equal(gradients[0], gradients[1]));
  EXPECT_TRUE(at::equal(gradients[0], gradients[2]));
  const at::Tensor expected = at::zeros({61, 8}, at::kDouble).index_add(0, index, weights.to(at::kDouble));
  EXPECT_LT(test::LargestDifference(gradients[0].to(at::kDouble), expected),
            1e-4);  // 82 float32 terms of order 1
}

TEST(GatherRows, RefusesRowsOutOfRange) {
  const at::Tensor source = test::NormalTensor({4, 3}, 1);
  EXPECT_THROW(GatherRows(source, at::tensor({4L}, at::kLong)), BugError);
  EXPECT_THROW(GatherRows(source, at::tensor({-2L}, at::kLong)), BugError);
}

}  // namespace
}  // namespace ppr::model
