// NT-Xent on one rank: closed forms and finite differences. More ranks: tests/multirank/model.
#include "model/nt_xent_loss.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/errors.h"
#include "dist/local/local_communicator.h"
#include "support/gradient_check.h"

namespace ppr::model {
namespace {

using test::NormalTensor;
using test::NormalVariable;

double Loss(const at::Tensor& first, const at::Tensor& second, double temperature, Similarity similarity) {
  const auto communicator = dist::MakeSingleRankCommunicator();
  return NtXentLossSum(*communicator, first, second, temperature, similarity).item<double>();
}

TEST(NtXentLoss, TwoUsersByHandWithDotProducts) {
  // Views (1, 0), (0, 2) and (3, 0), (1, 1). Dot products: 0 of the first two, 3 of the last two; 3 and 2 of
  // the two pairs; 1 and 0 crosswise. Each anchor is scored against the three views that are not itself.
  const at::Tensor first = at::tensor({1.0, 0.0, 0.0, 2.0}, at::kDouble).view({2, 2});
  const at::Tensor second = at::tensor({3.0, 0.0, 1.0, 1.0}, at::kDouble).view({2, 2});
  const double t = 2;
  const auto anchor = [&](double positive, double negative, double other) {
    return std::log(std::exp(positive / t) + std::exp(negative / t) + std::exp(other / t)) - positive / t;
  };
  EXPECT_NEAR(Loss(first, second, t, Similarity::kDot),
              anchor(3, 0, 1) + anchor(2, 0, 0) + anchor(3, 0, 3) + anchor(2, 1, 3), 1e-14);
}

TEST(NtXentLoss, OrthogonalUsersCostTheClosedForm) {
  // The positive at 1/t, the 2(B - 1) = 6 others at 0, for each of eight anchors; lengths do not matter.
  const at::Tensor basis = at::eye(4, at::kDouble);
  EXPECT_NEAR(Loss(basis * 3, basis * 0.1, 0.5, Similarity::kCosine), 8 * std::log(1 + 6 * std::exp(-2.0)),
              1e-13);
}

// A lone user's positive is all that it is compared with. The same two views beside a user who resembles
// neither (at 0, where they meet at 6 / t = 20) cost that user's share and hardly more, so that a loss which
// forgets its terms is seen.
TEST(NtXentLoss, OneUserHasNoNegativesAndCostsNothing) {
  const at::Tensor first = at::tensor({2.0, 0.0}, at::kDouble).view({1, 2});
  const at::Tensor second = at::tensor({3.0, 0.0}, at::kDouble).view({1, 2});
  const at::Tensor stranger = at::zeros({1, 2}, at::kDouble);
  EXPECT_NEAR(Loss(first, second, 0.3, Similarity::kDot), 0, 1e-14);
  EXPECT_NEAR(Loss(at::cat({first, stranger}), at::cat({second, stranger}), 0.3, Similarity::kDot),
              2 * std::log1p(2 * std::exp(-20.0)) + 2 * std::log(3.0), 1e-13);
}

TEST(NtXentLoss, TheViewsPlayEqualParts) {
  const at::Tensor first = NormalTensor({5, 3}, 1), second = NormalTensor({5, 3}, 2);
  EXPECT_NEAR(Loss(first, second, 0.4, Similarity::kDot), Loss(second, first, 0.4, Similarity::kDot), 1e-12);
}

TEST(NtXentLoss, GradientsMatchDifferences) {
  const auto communicator = dist::MakeSingleRankCommunicator();
  const at::Tensor first = NormalVariable({4, 3}, 1), second = NormalVariable({4, 3}, 2);
  for (const Similarity similarity : {Similarity::kDot, Similarity::kCosine}) {
    test::ExpectGradientsMatchDifferences(
        [&] { return NtXentLossSum(*communicator, first, second, 0.5, similarity); },
        {{"first", first}, {"second", second}});
  }
}

TEST(NtXentLoss, ZeroVectorsAreSafe) {
  const auto communicator = dist::MakeSingleRankCommunicator();
  const at::Tensor first = at::zeros({3, 2}, at::kDouble).set_requires_grad(true);
  const at::Tensor second = at::zeros({3, 2}, at::kDouble).set_requires_grad(true);
  const at::Tensor loss = NtXentLossSum(*communicator, first, second, 0.1, Similarity::kCosine);
  EXPECT_NEAR(loss.item<double>(), 6 * std::log(5.0), 1e-13);
  for (const at::Tensor& gradient : torch::autograd::grad({loss}, {first, second})) {
    EXPECT_EQ(gradient.abs().sum().item<double>(), 0);
  }
}

TEST(NtXentLoss, NoUsersGiveZero) {
  EXPECT_EQ(Loss(at::empty({0, 3}, at::kDouble), at::empty({0, 3}, at::kDouble), 1, Similarity::kDot), 0);
}

TEST(NtXentLoss, WrongArgumentsAreRefused) {
  const at::Tensor views = NormalTensor({2, 3}, 1);
  EXPECT_THROW(Loss(views, NormalTensor({3, 3}, 1), 1, Similarity::kDot), BugError);
  EXPECT_THROW(Loss(views, views, 0, Similarity::kDot), BugError);
}

}  // namespace
}  // namespace ppr::model
