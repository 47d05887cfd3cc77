// BPR and BCE: closed forms, the ATen oracle, finite differences, determinism.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/errors.h"
#include "model/losses.h"
#include "support/gradient_check.h"

namespace ppr::model {
namespace {

using test::LargestDifference;
using test::NormalTensor;
using test::NormalVariable;

constexpr NextItemLoss kBoth[] = {NextItemLoss::kBpr, NextItemLoss::kBce};

at::Tensor Indices(std::vector<int64_t> shape, int64_t rows, int64_t step) {
  int64_t n = 1;
  for (const int64_t extent : shape) n *= extent;
  return ((at::arange(n) * step) % rows).view(shape);
}

TEST(NextItemLoss, ZeroScoresCostLogTwo) {
  const at::Tensor users = at::zeros({10, 4}, at::kDouble), rows = NormalTensor({6, 4}, 1);
  const at::Tensor positives = Indices({10}, 6, 1), negatives = Indices({10, 3}, 6, 5);
  const auto loss = [&](NextItemLoss kind) {
    return NextItemLossSum(kind, users, rows, positives, negatives).item<double>();
  };
  EXPECT_NEAR(loss(NextItemLoss::kBpr), 10 * std::log(2.0), 1e-13);
  EXPECT_NEAR(loss(NextItemLoss::kBce), 20 * std::log(2.0), 1e-13);
}

TEST(NextItemLoss, OneTargetByHand) {
  const at::Tensor users = at::tensor({1.0, 2.0}, at::kDouble).view({1, 2});
  const at::Tensor rows =
      at::tensor({0.5, 0.25, -1.0, 0.0, 0.0, 1.0}, at::kDouble).view({3, 2});  // scores 1, -1, 2
  const at::Tensor positives = at::tensor({0L}, at::kLong),
                   negatives = at::tensor({1L, 2L}, at::kLong).view({1, 2});
  const auto loss = [&](NextItemLoss kind) {
    return NextItemLossSum(kind, users, rows, positives, negatives).item<double>();
  };
  const auto softplus = [](double x) { return std::log1p(std::exp(x)); };
  EXPECT_NEAR(loss(NextItemLoss::kBpr), (softplus(-2) + softplus(1)) / 2, 1e-14);
  EXPECT_NEAR(loss(NextItemLoss::kBce), softplus(-1) + (softplus(-1) + softplus(2)) / 2, 1e-14);
}

TEST(NextItemLoss, KernelMatchesTheOracle) {
  for (const NextItemLoss kind : kBoth) {
    for (const int64_t num_negatives : {1, 3, 16}) {
      const at::Tensor positives = Indices({300}, 40, 7), negatives = Indices({300, num_negatives}, 40, 11);
      std::vector<at::Tensor> losses;
      std::vector<std::vector<at::Tensor>> gradients;
      for (const bool kernel : {true, false}) {
        const at::Tensor users = NormalVariable({300, 20}, 1), rows = NormalVariable({40, 20}, 2);
        losses.push_back(kernel ? NextItemLossSum(kind, users, rows, positives, negatives)
                                : NextItemLossSumReference(kind, users, rows, positives, negatives));
        gradients.push_back(torch::autograd::grad({losses.back() * 0.7}, {users, rows}));
      }
      // Sums of some 300 terms of order 1, in another order.
      EXPECT_NEAR(losses[0].item<double>(), losses[1].item<double>(), 1e-10);
      EXPECT_LT(LargestDifference(gradients[0][0], gradients[1][0]), 1e-12);
      EXPECT_LT(LargestDifference(gradients[0][1], gradients[1][1]), 1e-12);
    }
  }
}

TEST(NextItemLoss, GradientsMatchDifferences) {
  for (const NextItemLoss kind : kBoth) {
    for (const int64_t num_negatives : {1, 3}) {
      const at::Tensor users = NormalVariable({5, 3}, 1), rows = NormalVariable({4, 3}, 2);
      const at::Tensor positives = Indices({5}, 4, 1), negatives = Indices({5, num_negatives}, 4, 3);
      test::ExpectGradientsMatchDifferences(
          [&] { return NextItemLossSum(kind, users, rows, positives, negatives) * 0.3; },
          {{"users", users}, {"rows", rows}});
    }
  }
}

TEST(NextItemLoss, HugeScoresStayFinite) {
  for (const NextItemLoss kind : kBoth) {
    for (const float size : {-300.0F, 300.0F}) {
      const at::Tensor users = at::full({1, 1}, size, at::kFloat).set_requires_grad(true);
      const at::Tensor rows = at::tensor({300.0F, -300.0F}, at::kFloat).view({2, 1});
      const at::Tensor loss = NextItemLossSum(kind, users, rows, at::tensor({0L}, at::kLong),
                                              at::tensor({1L}, at::kLong).view({1, 1}));
      EXPECT_NEAR(loss.item<double>(), size > 0 ? 0 : 2 * 90000.0,
                  1e-2);  // a float32 of that size has steps of 0.016
      EXPECT_TRUE(torch::autograd::grad({loss}, {users})[0].isfinite().all().item<bool>());
    }
  }
}

TEST(NextItemLoss, ThreadsDoNotShow) {
  const at::Tensor positives = Indices({3000}, 97, 31), negatives = Indices({3000, 2}, 97, 13);
  const int threads_before = at::get_num_threads();
  std::vector<at::Tensor> losses, gradients;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    const at::Tensor users = NormalTensor({3000, 8}, 1).to(at::kFloat);
    const at::Tensor rows = NormalTensor({97, 8}, 2).to(at::kFloat).set_requires_grad(true);
    losses.push_back(NextItemLossSum(NextItemLoss::kBce, users, rows, positives, negatives));
    gradients.push_back(torch::autograd::grad({losses.back()}, {rows})[0]);
  }
  at::set_num_threads(threads_before);
  for (size_t i = 1; i < losses.size(); ++i) {
    EXPECT_TRUE(at::equal(losses[0], losses[i]));
    EXPECT_TRUE(at::equal(gradients[0], gradients[i]));
  }
}

TEST(NextItemLoss, NoTargetsGiveZeroAndZeroGradients) {
  const at::Tensor users = NormalVariable({0, 3}, 1), rows = NormalVariable({4, 3}, 2),
                   none = at::empty({0}, at::kLong);
  for (const NextItemLoss kind : kBoth) {
    const at::Tensor loss = NextItemLossSum(kind, users, rows, none, none.view({0, 1}));
    EXPECT_EQ(loss.item<double>(), 0);
    const std::vector<at::Tensor> gradients = torch::autograd::grad({loss}, {users, rows});
    EXPECT_EQ(gradients[1].abs().sum().item<double>(), 0);
  }
}

TEST(NextItemLoss, RefusesRowsOutOfRangeAndMissingNegatives) {
  const at::Tensor users = NormalTensor({1, 3}, 1), rows = NormalTensor({4, 3}, 2);
  const at::Tensor zero = at::zeros({1}, at::kLong), four = at::full({1}, 4, at::kLong);
  EXPECT_THROW(NextItemLossSum(NextItemLoss::kBpr, users, rows, four, zero.view({1, 1})), BugError);
  EXPECT_THROW(NextItemLossSum(NextItemLoss::kBpr, users, rows, zero, -four.view({1, 1})), BugError);
  EXPECT_THROW(NextItemLossSum(NextItemLoss::kBpr, users, rows, zero, zero.narrow(0, 0, 0).view({1, 0})),
               BugError);
}

}  // namespace
}  // namespace ppr::model
