// The contrastive loss on one rank: closed forms and finite differences. More ranks: tests/multirank/model.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "dist/local/local_communicator.h"
#include "model/losses.h"
#include "support/gradient_check.h"

namespace ppr::model {
namespace {

using test::NormalTensor;
using test::NormalVariable;

double Loss(const at::Tensor& originals, const at::Tensor& views, double temperature) {
  const auto communicator = dist::MakeSingleRankCommunicator();
  return ContrastiveLossSum(*communicator, originals, views, temperature).item<double>();
}

TEST(ContrastiveLoss, IdenticalVectorsCostLogOfTheBatch) {
  const at::Tensor same = at::ones({7, 3}, at::kDouble);
  EXPECT_NEAR(Loss(same, same * 5, 0.3), 7 * std::log(7.0), 1e-13);
}

TEST(ContrastiveLoss, OrthogonalUsersCostTheClosedForm) {
  const at::Tensor basis = at::eye(4, at::kDouble);
  // -log(exp(1/t) / (exp(1/t) + 3)), four times.
  EXPECT_NEAR(Loss(basis * 3, basis * 0.1, 0.5), 4 * std::log(1 + 3 * std::exp(-2.0)), 1e-13);
}

TEST(ContrastiveLoss, LengthsDoNotMatter) {
  const at::Tensor originals = NormalTensor({5, 3}, 1), views = NormalTensor({5, 3}, 2);
  const at::Tensor lengths = at::arange(1, 6, at::kDouble).unsqueeze(1);
  EXPECT_NEAR(Loss(originals, views, 0.4), Loss(originals * lengths, views / lengths, 0.4), 1e-13);
}

TEST(ContrastiveLoss, GradientsMatchDifferences) {
  const auto communicator = dist::MakeSingleRankCommunicator();
  const at::Tensor originals = NormalVariable({5, 3}, 1), views = NormalVariable({5, 3}, 2);
  for (const double temperature : {0.2, 1.0}) {
    test::ExpectGradientsMatchDifferences(
        [&] { return ContrastiveLossSum(*communicator, originals, views, temperature); },
        {{"originals", originals}, {"views", views}});
  }
}

TEST(ContrastiveLoss, ZeroVectorsAreSafe) {
  const auto communicator = dist::MakeSingleRankCommunicator();
  const at::Tensor originals = at::zeros({3, 2}, at::kDouble).set_requires_grad(true);
  const at::Tensor views = at::zeros({3, 2}, at::kDouble).set_requires_grad(true);
  const at::Tensor loss = ContrastiveLossSum(*communicator, originals, views, 0.1);
  EXPECT_NEAR(loss.item<double>(), 3 * std::log(3.0), 1e-13);
  for (const at::Tensor& gradient : torch::autograd::grad({loss}, {originals, views})) {
    EXPECT_EQ(gradient.abs().sum().item<double>(), 0);
  }
}

TEST(ContrastiveLoss, NoUsersGiveZero) {
  EXPECT_EQ(Loss(at::empty({0, 3}, at::kDouble), at::empty({0, 3}, at::kDouble), 1.0), 0);
}

}  // namespace
}  // namespace ppr::model
