// Losses of given scores against those of vectors, and closed forms.
#include "model/score_loss.h"
#include "model/losses.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/errors.h"
#include "support/gradient_check.h"

namespace ppr::model {
namespace {

TEST(ScoreLoss, PairsByHand) {
  const at::Tensor clicked = at::tensor({2.0, -1.0}, at::kDouble),
                   negatives = at::tensor({0.5, 3.0}, at::kDouble);
  const at::Tensor bpr = PairLosses(NextItemLoss::kBpr, clicked, negatives);
  EXPECT_NEAR(bpr[0].item<double>(), std::log(1 + std::exp(-1.5)), 1e-15);
  EXPECT_NEAR(bpr[1].item<double>(), std::log(1 + std::exp(4.0)), 1e-14);
  const at::Tensor bce = PairLosses(NextItemLoss::kBce, clicked, negatives);
  EXPECT_NEAR(bce[0].item<double>(), std::log(1 + std::exp(-2.0)) + std::log(1 + std::exp(0.5)), 1e-15);
  EXPECT_NEAR(bce[1].item<double>(), std::log(1 + std::exp(1.0)) + std::log(1 + std::exp(3.0)), 1e-14);
}

TEST(ScoreLoss, CandidatesEqualTheLossOfVectors) {
  const int64_t targets = 5, negatives = 3, width = 4;
  const at::Tensor users = test::NormalTensor({targets, width}, 1), rows = test::NormalTensor({9, width}, 2);
  const at::Tensor index =
      at::arange(targets * (1 + negatives), at::kLong).mul(5).remainder(9).view({targets, 1 + negatives});
  const at::Tensor scores = at::matmul(users, rows.t()).gather(1, index);
  for (const NextItemLoss kind : {NextItemLoss::kBpr, NextItemLoss::kBce}) {
    const double expected =
        NextItemLossSumReference(kind, users, rows, index.select(1, 0), index.narrow(1, 1, negatives))
            .item<double>();
    EXPECT_NEAR(CandidateLossSum(kind, scores).item<double>(), expected, 1e-13);
  }
}

TEST(ScoreLoss, NoTargetsGiveZeroAndNoNegativesAreRefused) {
  EXPECT_EQ(CandidateLossSum(NextItemLoss::kBpr, at::empty({0, 2}, at::kDouble)).item<double>(), 0);
  EXPECT_THROW(CandidateLossSum(NextItemLoss::kBpr, at::zeros({2, 1}, at::kDouble)), BugError);
}

}  // namespace
}  // namespace ppr::model
