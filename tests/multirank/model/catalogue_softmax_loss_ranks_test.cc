// The softmax loss over a sharded catalogue equals that of one rank with all rows and targets: value, and
// gradients of users and rows.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "model/catalogue_softmax_loss.h"
#include "support/gradient_check.h"
#include "support/run_ranks.h"

namespace ppr::model {
namespace {

constexpr int64_t kTargets = 11, kWidth = 4;
const CatalogueSoftmaxOptions kSmallTiles{.scale = 0.8, .tile_users = 4, .tile_rows = 3};
// Sums of some thirty terms of order 1 in another order: a few 2^-53.
constexpr double kTolerance = 1e-12;

// The result for the whole batch and catalogue, put together from the ranks'; row v - 1 is item v's.
struct Outcome {
  double loss = 0;
  at::Tensor user_gradients = at::zeros({kTargets, kWidth}, at::kDouble);
  at::Tensor row_gradients;
};

// Ids of the rows that a rank keeps, less 1, by slot.
at::Tensor KeptBy(const dist::OwnerMap& owners, int rank) {
  at::Tensor kept = at::empty({owners.num_rows(rank)}, at::kLong);
  for (int64_t slot = 0; slot < kept.numel(); ++slot) kept[slot] = owners.id(rank, slot) - 1;
  return kept;
}

// Targets are dealt by `counts`; users of rank `frozen` need no gradient (none: -1).
Outcome RunDealt(int64_t items, const std::vector<int64_t>& counts, int frozen = -1) {
  Outcome outcome;
  outcome.row_gradients = at::zeros({items, kWidth}, at::kDouble);
  const at::Tensor all_positives = at::arange(kTargets, at::kLong).mul(5).remainder(items).add(1);
  test::RunRanks(static_cast<int>(counts.size()), [&](dist::Communicator& communicator) {
    const int rank = communicator.rank();
    const int64_t count = counts[static_cast<size_t>(rank)];
    const int64_t first = std::accumulate(counts.begin(), counts.begin() + rank, int64_t{0});
    const dist::OwnerMap owners(items, communicator.size());
    const at::Tensor kept = KeptBy(owners, rank);
    const at::Tensor users = test::NormalTensor({kTargets, kWidth}, 1).narrow(0, first, count).clone();
    const at::Tensor rows = test::NormalTensor({items, kWidth}, 2).index_select(0, kept);
    users.set_requires_grad(rank != frozen);
    rows.set_requires_grad(true);
    const at::Tensor loss = CatalogueSoftmaxLossSum(communicator, owners, users,
                                                    all_positives.narrow(0, first, count), rows, kSmallTiles);
    (loss / kTargets).backward();
    at::Tensor loss_sum = loss.detach().clone().view({1});
    communicator.AllReduce(loss_sum);
    if (rank != frozen) outcome.user_gradients.narrow(0, first, count).copy_(users.grad());
    for (int64_t slot = 0; slot < kept.numel(); ++slot) {
      outcome.row_gradients[kept[slot].item<int64_t>()].copy_(rows.grad()[slot]);
    }
    communicator.Barrier();
    if (rank == 0) outcome.loss = loss_sum.item<double>();
  });
  return outcome;
}

TEST(CatalogueSoftmaxLossOverRanks, EqualsOneRankWithTheWholeCatalogue) {
  const std::vector<std::vector<int64_t>> deals = {{6, 5},     {11, 0},      {0, 11},     {4, 4, 3},
                                                   {1, 0, 10}, {3, 3, 3, 2}, {0, 5, 0, 6}};
  for (const int64_t items : {19, 2}) {  // 2: fewer rows than ranks, so that some rank keeps none
    const Outcome one = RunDealt(items, {kTargets});
    EXPECT_GT(one.row_gradients.abs().min().item<double>(), 0);
    for (const std::vector<int64_t>& counts : deals) {
      const Outcome dealt = RunDealt(items, counts);
      const std::string which = testing::PrintToString(counts) + " of " + std::to_string(items);
      EXPECT_NEAR(dealt.loss, one.loss, kTolerance * kTargets) << which;
      EXPECT_LT(test::LargestDifference(dealt.user_gradients, one.user_gradients), kTolerance) << which;
      EXPECT_LT(test::LargestDifference(dealt.row_gradients, one.row_gradients), kTolerance) << which;
    }
  }
}

TEST(CatalogueSoftmaxLossOverRanks, ARankWhoseUsersNeedNoGradientStillTakesPart) {
  const Outcome all = RunDealt(19, {6, 5}), half = RunDealt(19, {6, 5}, /*frozen=*/1);
  EXPECT_LT(test::LargestDifference(half.user_gradients.narrow(0, 0, 6), all.user_gradients.narrow(0, 0, 6)),
            kTolerance);
  EXPECT_LT(test::LargestDifference(half.row_gradients, all.row_gradients), kTolerance);
}

TEST(CatalogueSoftmaxLossOverRanks, WithoutGradientsNothingIsRecorded) {
  test::RunRanks(2, [&](dist::Communicator& communicator) {
    const dist::OwnerMap owners(6, 2);
    const at::Tensor users = test::NormalVariable({2, kWidth}, 1),
                     rows = test::NormalVariable({3, kWidth}, 2);
    const at::NoGradGuard no_grad;
    const at::Tensor loss =
        CatalogueSoftmaxLossSum(communicator, owners, users, at::ones({2}, at::kLong), rows);
    EXPECT_FALSE(loss.requires_grad());
  });
}

}  // namespace
}  // namespace ppr::model
