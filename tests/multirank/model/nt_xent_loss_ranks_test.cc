// NT-Xent over ranks equals that of one rank with the whole batch: value and gradients.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "model/nt_xent_loss.h"
#include "support/gradient_check.h"
#include "support/run_ranks.h"

namespace ppr::model {
namespace {

constexpr int64_t kUsers = 11, kWidth = 4;
constexpr double kTemperature = 0.7;
// Sums of some twenty terms of order 1, in another order: a few 2^-53.
constexpr double kTolerance = 1e-12;

// The whole batch's result, put together from the ranks'.
struct Outcome {
  double loss = 0;
  at::Tensor first_gradients = at::zeros({kUsers, kWidth}, at::kDouble);
  at::Tensor second_gradients = at::zeros({kUsers, kWidth}, at::kDouble);
};

// Users are dealt by `counts`. Views of ranks in `learners` require gradients (all when empty).
Outcome RunDealt(const std::vector<int64_t>& counts, Similarity similarity,
                 const std::vector<int>& learners = {}) {
  Outcome outcome;
  test::RunRanks(static_cast<int>(counts.size()), [&](dist::Communicator& communicator) {
    const auto rank = static_cast<size_t>(communicator.rank());
    const int64_t offset = std::accumulate(counts.begin(), counts.begin() + communicator.rank(), int64_t{0});
    const bool learns =
        learners.empty() || std::count(learners.begin(), learners.end(), communicator.rank()) > 0;
    const auto own = [&](uint64_t seed) {
      return test::NormalTensor({kUsers, kWidth}, seed)
          .narrow(0, offset, counts[rank])
          .clone()
          .set_requires_grad(learns);
    };
    const at::Tensor first = own(1), second = own(2);
    const at::Tensor loss = NtXentLossSum(communicator, first, second, kTemperature, similarity);
    loss.backward();
    at::Tensor loss_sum = loss.detach().clone().view({1});
    communicator.AllReduce(loss_sum);
    if (learns) outcome.first_gradients.narrow(0, offset, counts[rank]).copy_(first.grad());
    if (learns) outcome.second_gradients.narrow(0, offset, counts[rank]).copy_(second.grad());
    communicator.Barrier();
    if (rank == 0) outcome.loss = loss_sum.item<double>();
  });
  return outcome;
}

TEST(NtXentLossOverRanks, EqualsOneRankWithTheWholeBatch) {
  const std::vector<std::vector<int64_t>> deals = {{6, 5},     {11, 0},      {0, 11},     {4, 4, 3},
                                                   {1, 0, 10}, {3, 3, 3, 2}, {0, 5, 0, 6}};
  for (const Similarity similarity : {Similarity::kDot, Similarity::kCosine}) {
    const Outcome one = RunDealt({kUsers}, similarity);
    EXPECT_GT(one.first_gradients.abs().min().item<double>(), 0);
    for (const std::vector<int64_t>& counts : deals) {
      const Outcome dealt = RunDealt(counts, similarity);
      const std::string which = testing::PrintToString(counts);
      EXPECT_NEAR(dealt.loss, one.loss, kTolerance * kUsers) << which;
      EXPECT_LT(test::LargestDifference(dealt.first_gradients, one.first_gradients), kTolerance) << which;
      EXPECT_LT(test::LargestDifference(dealt.second_gradients, one.second_gradients), kTolerance) << which;
    }
  }
}

TEST(NtXentLossOverRanks, ARankWhoseViewsNeedNoGradientStillTakesPart) {
  const Outcome all = RunDealt({6, 5}, Similarity::kCosine);
  const Outcome half = RunDealt({6, 5}, Similarity::kCosine, {0});
  EXPECT_LT(
      test::LargestDifference(half.first_gradients.narrow(0, 0, 6), all.first_gradients.narrow(0, 0, 6)),
      kTolerance);
}

}  // namespace
}  // namespace ppr::model
