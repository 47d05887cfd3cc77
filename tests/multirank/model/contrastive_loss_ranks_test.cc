// The contrastive loss over ranks equals that of one rank with the whole batch: value, gradients of the
// vectors that each rank owns, and gradients of shared parameters.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "model/losses.h"
#include "support/gradient_check.h"
#include "support/run_ranks.h"

namespace ppr::model {
namespace {

constexpr int64_t kUsers = 11, kWidth = 4;
constexpr double kTemperature = 0.3;
// Sums of eleven terms of order 1, in another order: a few 2^-53.
constexpr double kTolerance = 1e-12;

// The whole batch's result, put together from the ranks'.
struct Outcome {
  double loss = 0;
  at::Tensor original_gradients = at::zeros({kUsers, kWidth}, at::kDouble);
  at::Tensor view_gradients = at::zeros({kUsers, kWidth}, at::kDouble);
  at::Tensor weight_gradient;
};

// Users are dealt by `counts`; originals and views of each are leaf rows times one weight that all ranks
// share.
Outcome RunDealt(const std::vector<int64_t>& counts) {
  Outcome outcome;
  test::RunRanks(static_cast<int>(counts.size()), [&](dist::Communicator& communicator) {
    const auto rank = static_cast<size_t>(communicator.rank());
    const int64_t first = std::accumulate(counts.begin(), counts.begin() + communicator.rank(), int64_t{0});
    const auto own = [&](uint64_t seed) {
      return test::NormalTensor({kUsers, kWidth}, seed)
          .narrow(0, first, counts[rank])
          .clone()
          .set_requires_grad(true);
    };
    const at::Tensor originals = own(1), views = own(2), weight = test::NormalVariable({kWidth, kWidth}, 3);
    const at::Tensor loss =
        ContrastiveLossSum(communicator, originals.matmul(weight), views.matmul(weight), kTemperature);
    loss.backward();
    at::Tensor loss_sum = loss.detach().clone().view({1});
    communicator.AllReduce(loss_sum);
    at::Tensor weight_gradient = weight.grad().clone();
    communicator.AllReduce(weight_gradient);
    outcome.original_gradients.narrow(0, first, counts[rank]).copy_(originals.grad());
    outcome.view_gradients.narrow(0, first, counts[rank]).copy_(views.grad());
    communicator.Barrier();
    if (rank == 0) {
      outcome.loss = loss_sum.item<double>();
      outcome.weight_gradient = weight_gradient;
    }
  });
  return outcome;
}

TEST(ContrastiveLossOverRanks, EqualsOneRankWithTheWholeBatch) {
  const Outcome one = RunDealt({kUsers});
  EXPECT_GT(one.view_gradients.abs().min().item<double>(), 0);
  const std::vector<std::vector<int64_t>> deals = {{6, 5},     {11, 0},      {0, 11},     {4, 4, 3},
                                                   {1, 0, 10}, {3, 3, 3, 2}, {0, 5, 0, 6}};
  for (const std::vector<int64_t>& counts : deals) {
    const Outcome dealt = RunDealt(counts);
    const std::string which = testing::PrintToString(counts);
    EXPECT_NEAR(dealt.loss, one.loss, kTolerance * kUsers) << which;
    EXPECT_LT(test::LargestDifference(dealt.original_gradients, one.original_gradients), kTolerance) << which;
    EXPECT_LT(test::LargestDifference(dealt.view_gradients, one.view_gradients), kTolerance) << which;
    EXPECT_LT(test::LargestDifference(dealt.weight_gradient, one.weight_gradient), kTolerance) << which;
  }
}

TEST(ContrastiveLossOverRanks, ARankWhoseVectorsNeedNoGradientStillTakesPart) {
  at::Tensor gradient;
  test::RunRanks(2, [&](dist::Communicator& communicator) {
    const bool learns = communicator.rank() == 0;
    const at::Tensor originals = test::NormalTensor({3, kWidth}, 1),
                     views = test::NormalTensor({3, kWidth}, 2);
    if (learns) views.set_requires_grad(true);
    const at::Tensor loss = ContrastiveLossSum(communicator, originals, views, kTemperature);
    EXPECT_TRUE(loss.requires_grad());
    loss.backward();
    EXPECT_EQ(views.grad().defined(), learns);
    if (learns) gradient = views.grad();
  });
  EXPECT_GT(gradient.abs().sum().item<double>(), 1e-3);
}

TEST(ContrastiveLossOverRanks, WithoutGradientsNothingIsRecorded) {
  test::RunRanks(2, [&](dist::Communicator& communicator) {
    const at::Tensor vectors = test::NormalVariable({2, kWidth}, 1);
    const at::NoGradGuard no_grad;
    EXPECT_FALSE(ContrastiveLossSum(communicator, vectors, vectors, kTemperature).requires_grad());
  });
}

// Gradient, summed over ranks, of the one weight behind two losses in one graph: both augmentations of prompt
// tuning.
at::Tensor GradientOfTwoLosses(const std::vector<int64_t>& counts) {
  at::Tensor sum;
  test::RunRanks(static_cast<int>(counts.size()), [&](dist::Communicator& communicator) {
    const auto rank = static_cast<size_t>(communicator.rank());
    const int64_t first = communicator.rank() == 0 ? 0 : counts[0];
    const auto own = [&](uint64_t seed) {
      return test::NormalTensor({5, kWidth}, seed).narrow(0, first, counts[rank]);
    };
    const at::Tensor weight = test::NormalVariable({kWidth, kWidth}, 3);
    const at::Tensor originals = own(1).matmul(weight);
    const at::Tensor loss =
        ContrastiveLossSum(communicator, originals, own(2).matmul(weight), kTemperature) +
        3 * ContrastiveLossSum(communicator, originals, own(4).matmul(weight), kTemperature);
    loss.backward();
    at::Tensor gradient = weight.grad().clone();
    communicator.AllReduce(gradient);
    if (rank == 0) sum = gradient;
  });
  return sum;
}

TEST(ContrastiveLossOverRanks, TwoLossesInOneGraphKeepTheirCollectivesApart) {
  const at::Tensor one = GradientOfTwoLosses({5});
  EXPECT_LT(test::LargestDifference(GradientOfTwoLosses({2, 3}), one), kTolerance);
  EXPECT_LT(test::LargestDifference(GradientOfTwoLosses({5, 0}), one), kTolerance);
}

}  // namespace
}  // namespace ppr::model
