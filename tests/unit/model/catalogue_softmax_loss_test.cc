// The softmax loss over the catalogue on one rank: a plain log_softmax in float64, and finite differences.
// More ranks: tests/multirank/model.
#include "model/catalogue_softmax_loss.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/errors.h"
#include "dist/local/local_communicator.h"
#include "support/gradient_check.h"

namespace ppr::model {
namespace {

using test::LargestDifference;
using test::NormalTensor;
using test::NormalVariable;

constexpr int64_t kItems = 13, kTargets = 7, kWidth = 4;
// Tiles that divide neither the 7 targets nor the 13 rows.
const CatalogueSoftmaxOptions kSmallTiles{.scale = 1, .tile_users = 3, .tile_rows = 5};

struct SmallCatalogue {
  at::Tensor Loss(const at::Tensor& users, const at::Tensor& positives, const at::Tensor& rows,
                  const CatalogueSoftmaxOptions& options = kSmallTiles) const {
    return CatalogueSoftmaxLossSum(*communicator, owners, users, positives, rows, options);
  }
  // The definition: rows stand at their slots.
  at::Tensor Expected(const at::Tensor& users, const at::Tensor& positives, const at::Tensor& rows,
                      double scale = 1) const {
    at::Tensor slots = at::empty_like(positives);
    for (int64_t i = 0; i < positives.numel(); ++i) slots[i] = owners.slot(positives[i].item<int64_t>());
    const at::Tensor log_probability = at::log_softmax(scale * at::matmul(users, rows.t()), 1);
    return -log_probability.gather(1, slots.unsqueeze(1)).sum();
  }

  std::unique_ptr<dist::Communicator> communicator = dist::MakeSingleRankCommunicator();
  dist::OwnerMap owners{kItems, 1};
  at::Tensor clicked = at::tensor({5, 1, 13, 5, 8, 2, 13}, at::kLong);  // twice 5 and 13: both ends
};

TEST(CatalogueSoftmaxLoss, EqualsAPlainLogSoftmax) {
  const SmallCatalogue catalogue;
  for (const double scale : {1.0, 0.3}) {
    const at::Tensor users = NormalVariable({kTargets, kWidth}, 1),
                     rows = NormalVariable({kItems, kWidth}, 2);
    CatalogueSoftmaxOptions options = kSmallTiles;
    options.scale = scale;
    const at::Tensor loss = catalogue.Loss(users, catalogue.clicked, rows, options);
    const at::Tensor expected = catalogue.Expected(users, catalogue.clicked, rows, scale);
    // Sums of some dozen terms of order 1 in another order.
    EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-12);
    const auto got = torch::autograd::grad({3 * loss}, {users, rows});
    const auto wanted = torch::autograd::grad({3 * expected}, {users, rows});
    EXPECT_LT(LargestDifference(got[0], wanted[0]), 1e-13);
    EXPECT_LT(LargestDifference(got[1], wanted[1]), 1e-13);
  }
}

TEST(CatalogueSoftmaxLoss, TilesDoNotShow) {
  const SmallCatalogue catalogue;
  const at::Tensor users = NormalTensor({kTargets, kWidth}, 1), rows = NormalTensor({kItems, kWidth}, 2);
  const double whole = catalogue.Loss(users, catalogue.clicked, rows, {}).item<double>();
  for (const int64_t size : {1, 2, 7, 13}) {
    const CatalogueSoftmaxOptions options{.scale = 1, .tile_users = size, .tile_rows = size};
    EXPECT_NEAR(catalogue.Loss(users, catalogue.clicked, rows, options).item<double>(), whole, 1e-12);
  }
}

TEST(CatalogueSoftmaxLoss, GradientsMatchDifferences) {
  const SmallCatalogue catalogue;
  const at::Tensor users = NormalVariable({kTargets, kWidth}, 1), rows = NormalVariable({kItems, kWidth}, 2);
  test::ExpectGradientsMatchDifferences([&] { return catalogue.Loss(users, catalogue.clicked, rows); },
                                        {{"users", users}, {"rows", rows}});
}

TEST(CatalogueSoftmaxLoss, LargeScoresNeitherOverflowNorLoseThePositive) {
  // Scores of 1000 times the user's entry: the positive's share is 1 for some targets and 0 for others.
  const SmallCatalogue catalogue;
  const at::Tensor users = NormalVariable({kTargets, kWidth}, 1),
                   rows = (NormalTensor({kItems, kWidth}, 2) * 1000).set_requires_grad(true);
  const at::Tensor loss = catalogue.Loss(users, catalogue.clicked, rows);
  const double expected = catalogue.Expected(users, catalogue.clicked, rows).item<double>();
  EXPECT_NEAR(loss.item<double>(), expected, 1e-13 * expected);
  EXPECT_TRUE(torch::autograd::grad({loss}, {users})[0].isfinite().all().item<bool>());
}

TEST(CatalogueSoftmaxLoss, Float32FollowsFloat64) {
  const SmallCatalogue catalogue;
  const at::Tensor users = NormalVariable({kTargets, kWidth}, 1), rows = NormalVariable({kItems, kWidth}, 2);
  const at::Tensor users32 = users.detach().to(at::kFloat).set_requires_grad(true),
                   rows32 = rows.detach().to(at::kFloat).set_requires_grad(true);
  const at::Tensor loss = catalogue.Loss(users, catalogue.clicked, rows),
                   loss32 = catalogue.Loss(users32, catalogue.clicked, rows32);
  // Seven terms of order 3 and gradients of order 1, to a few 2^-24.
  EXPECT_NEAR(loss32.item<double>(), loss.item<double>(), 1e-5);
  const auto exact = torch::autograd::grad({loss}, {users, rows});
  const auto rounded = torch::autograd::grad({loss32}, {users32, rows32});
  EXPECT_LT(LargestDifference(rounded[0].to(at::kDouble), exact[0]), 3e-6);
  EXPECT_LT(LargestDifference(rounded[1].to(at::kDouble), exact[1]), 3e-6);
}

TEST(CatalogueSoftmaxLoss, AFrozenTableStillGivesUserGradients) {
  const SmallCatalogue catalogue;
  const at::Tensor users = NormalVariable({kTargets, kWidth}, 1), rows = NormalTensor({kItems, kWidth}, 2);
  const auto got = torch::autograd::grad({catalogue.Loss(users, catalogue.clicked, rows)}, {users});
  const auto wanted = torch::autograd::grad({catalogue.Expected(users, catalogue.clicked, rows)}, {users});
  EXPECT_LT(LargestDifference(got[0], wanted[0]), 1e-13);
}

TEST(CatalogueSoftmaxLoss, NoTargetsGiveZeroAndZeroGradients) {
  const SmallCatalogue catalogue;
  const at::Tensor users = NormalVariable({0, kWidth}, 1), rows = NormalVariable({kItems, kWidth}, 2);
  const at::Tensor loss = catalogue.Loss(users, at::empty({0}, at::kLong), rows);
  EXPECT_EQ(loss.item<double>(), 0);
  EXPECT_EQ(torch::autograd::grad({loss}, {rows})[0].abs().sum().item<double>(), 0);
}

TEST(CatalogueSoftmaxLoss, WrongArgumentsAreRefused) {
  const SmallCatalogue catalogue;
  const at::Tensor users = NormalTensor({1, kWidth}, 1), rows = NormalTensor({kItems, kWidth}, 2);
  for (const int64_t id : {int64_t{0}, kItems + 1}) {
    EXPECT_THROW(catalogue.Loss(users, at::tensor({id}, at::kLong), rows), BugError);
  }
  EXPECT_THROW(catalogue.Loss(users, at::tensor({1}, at::kLong), rows.narrow(0, 0, 12)), BugError);
}

}  // namespace
}  // namespace ppr::model
