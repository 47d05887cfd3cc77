// Epoch plans: every click a target exactly once, windows within bounds, the same order on every rank, shares
// that partition a batch.
#include "data/batches.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "support/synthetic_dataset.h"

namespace ppr::data {
namespace {

std::map<std::pair<int32_t, int64_t>, int> CountTargets(const std::vector<TrainingSequence>& sequences) {
  std::map<std::pair<int32_t, int64_t>, int> count;
  for (const TrainingSequence& sequence : sequences) {
    if (sequence.first_click_target) ++count[{sequence.user, 0}];
    for (int64_t click = sequence.begin; click < sequence.end; ++click) ++count[{sequence.user, click + 1}];
  }
  return count;
}

TEST(EpochPlan, EveryClickIsATargetExactlyOnceAnEpoch) {
  const Dataset dataset = test::MakeSyntheticDataset();
  for (const int64_t max_history : {1, 2, 3, 5, 7, 50}) {
    for (const TargetClicks targets : {TargetClicks::kAfterFirst, TargetClicks::kFirst, TargetClicks::kAll}) {
      EpochPlan plan(dataset, UsersOf(dataset, UserPart::kWarm),
                     {.targets = targets, .max_history = max_history, .seed = 3});
      for (const int64_t epoch : {0, 1, 5}) {
        const auto count = CountTargets(plan.Sequences(epoch));
        int64_t expected = 0;
        for (const int32_t user : UsersOf(dataset, UserPart::kWarm)) {
          const auto clicks = static_cast<int64_t>(dataset.training_history(user).size());
          const int64_t begin = targets == TargetClicks::kAfterFirst ? 1 : 0;
          const int64_t end = targets == TargetClicks::kFirst ? std::min<int64_t>(1, clicks) : clicks;
          for (int64_t click = begin; click < end; ++click, ++expected) {
            ASSERT_EQ(count.count({user, click}), 1u) << "user " << user << " click " << click;
            ASSERT_EQ(count.at({user, click}), 1);
          }
        }
        EXPECT_EQ(static_cast<int64_t>(count.size()), expected);
      }
    }
  }
}

TEST(EpochPlan, WindowsHoldAtMostTheLongestHistoryAndTheirCutsMove) {
  const Dataset dataset = test::MakeSyntheticDataset({.users = 40, .max_clicks = 60});
  EpochPlan plan(dataset, UsersOf(dataset, UserPart::kWarm),
                 {.targets = TargetClicks::kAfterFirst, .max_history = 8, .seed = 3});
  std::set<int32_t> first_cuts;
  for (int64_t epoch = 0; epoch < 40; ++epoch) {
    for (const TrainingSequence& sequence : plan.Sequences(epoch)) {
      EXPECT_GE(sequence.num_clicks(), 1);
      EXPECT_LE(sequence.num_clicks(), 8);
      const bool is_long = dataset.training_history(sequence.user).size() > 9;
      if (sequence.begin == 0 && is_long) first_cuts.insert(sequence.end);
    }
  }
  EXPECT_EQ(first_cuts.size(), 8u) << "every length of the first window occurs in 40 epochs";
}

TEST(EpochPlan, OrderDependsOnSeedAndEpochOnly) {
  const Dataset dataset = test::MakeSyntheticDataset();
  const auto order = [&](uint64_t seed, int64_t epoch) {
    EpochPlan plan(dataset, UsersOf(dataset, UserPart::kWarm),
                   {.targets = TargetClicks::kAfterFirst, .max_history = 50, .seed = seed});
    plan.Sequences(epoch + 1);  // what was asked before does not matter
    std::vector<int32_t> users;
    for (const TrainingSequence& sequence : plan.Sequences(epoch)) users.push_back(sequence.user);
    return users;
  };
  EXPECT_EQ(order(1, 4), order(1, 4));
  EXPECT_NE(order(1, 4), order(1, 5));
  EXPECT_NE(order(1, 4), order(2, 4));
}

TEST(EpochPlan, BatchesCoverTheEpochInOrder) {
  const Dataset dataset = test::MakeSyntheticDataset();
  EpochPlan plan(dataset, UsersOf(dataset, UserPart::kWarm),
                 {.targets = TargetClicks::kAfterFirst, .max_history = 5, .seed = 1});
  int64_t seen = 0;
  for (int64_t batch = 0; batch < plan.NumBatches(2, 7); ++batch) {
    for (const TrainingSequence& sequence : plan.Batch(2, batch, 7)) {
      EXPECT_EQ(sequence.user, plan.Sequences(2)[static_cast<size_t>(seen)].user);
      ++seen;
    }
  }
  EXPECT_EQ(seen, static_cast<int64_t>(plan.Sequences(2).size()));
}

TEST(DealByTokens, SharesPartitionTheBatchAndAreBalanced) {
  const Dataset dataset = test::MakeSyntheticDataset({.users = 200, .max_clicks = 50});
  EpochPlan plan(dataset, UsersOf(dataset, UserPart::kWarm),
                 {.targets = TargetClicks::kAfterFirst, .max_history = 50, .seed = 1});
  const auto batch = plan.Batch(0, 0, 64);
  for (int world_size = 1; world_size <= 4; ++world_size) {
    std::set<int64_t> seen;
    std::vector<int64_t> load;
    for (int rank = 0; rank < world_size; ++rank) {
      load.push_back(0);
      for (const int64_t index : DealByTokens(batch, 1, world_size, rank)) {
        EXPECT_TRUE(seen.insert(index).second) << "dealt twice";
        load.back() += batch[static_cast<size_t>(index)].num_clicks() + 1;
      }
    }
    EXPECT_EQ(seen.size(), batch.size());
    // Greedy dealing, longest first, ends within the length of the shortest sequences; one longest sequence
    // is a safe bound.
    EXPECT_LE(*std::max_element(load.begin(), load.end()) - *std::min_element(load.begin(), load.end()), 51);
  }
}

TEST(DealByTokens, MoreRanksThanSequencesLeavesSomeEmpty) {
  const std::vector<TrainingSequence> batch = {{0, 0, 3, false}, {1, 0, 0, true}};
  int64_t dealt = 0;
  for (int rank = 0; rank < 4; ++rank) dealt += static_cast<int64_t>(DealByTokens(batch, 0, 4, rank).size());
  EXPECT_EQ(dealt, 2);
}

}  // namespace
}  // namespace ppr::data
