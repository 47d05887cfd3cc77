// Epoch plans: every click a target exactly once, windows within bounds, the same order on every rank, shares
// that partition a batch.
#include "data/batches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "support/synthetic_dataset.h"

namespace ppr::data {
namespace {

// How often each (user, click) occurs.
using Targets = std::map<std::pair<int32_t, int64_t>, int>;

Targets CountTargets(const std::vector<TrainingSequence>& sequences) {
  Targets count;
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

int64_t AllTrainingClicks(const Dataset& dataset, int32_t user) {
  return static_cast<int64_t>(dataset.training_history(user).size());
}

TEST(EpochPlan, EachTargetIsASequenceOfTheNewestClicksBeforeIt) {
  const Dataset dataset = test::MakeSyntheticDataset();
  const std::vector<int32_t> users = UsersOf(dataset, UserPart::kWarm);
  for (const int64_t max_history : {1, 4, 50}) {
    for (const TargetClicks targets : {TargetClicks::kAfterFirst, TargetClicks::kFirst, TargetClicks::kAll}) {
      EpochPlan plan(
          dataset, users,
          {.targets = targets, .max_history = max_history, .seed = 3, .reading = Reading::kEachTarget});
      Targets count;
      for (const TrainingSequence& sequence : plan.Sequences(2)) {
        EXPECT_EQ(sequence.reading, Reading::kEachTarget);
        EXPECT_EQ(sequence.num_targets(), 1);
        EXPECT_EQ(sequence.begin, std::max<int64_t>(0, sequence.end - max_history)) << "up to the target";
        EXPECT_EQ(sequence.first_click_target, sequence.end == 0);
        ++count[{sequence.user, sequence.end}];
      }
      Targets expected;
      for (const int32_t user : users) {
        const int64_t clicks = AllTrainingClicks(dataset, user);
        const int64_t last = targets == TargetClicks::kFirst ? std::min<int64_t>(1, clicks) : clicks;
        for (int64_t click = targets == TargetClicks::kAfterFirst ? 1 : 0; click < last; ++click)
          expected[{user, click}] = 1;
      }
      EXPECT_EQ(count, expected);
    }
  }
}

TEST(EpochPlan, SequencesOfOneUserAreSpreadOverTheEpoch) {
  // All targets of a user begin at click 0 here: an order by where they begin would keep them together.
  const Dataset dataset = test::MakeSyntheticDataset();
  EpochPlan plan(dataset, UsersOf(dataset, UserPart::kWarm),
                 {.max_history = 50, .seed = 3, .reading = Reading::kEachTarget});
  const std::vector<TrainingSequence>& sequences = plan.Sequences(0);
  int64_t neighbours = 0;
  for (size_t i = 1; i < sequences.size(); ++i) neighbours += sequences[i].user == sequences[i - 1].user;
  // Some 36 users with up to 23 targets each: two neighbours are of one user in about one case of 24.
  EXPECT_LT(neighbours, static_cast<int64_t>(sequences.size()) / 8);
}

TEST(EpochPlan, ReadWholeEveryClickIsInOneSequence) {
  const Dataset dataset = test::MakeSyntheticDataset({.users = 40, .max_clicks = 60});
  const std::vector<int32_t> users = UsersOf(dataset, UserPart::kWarm);
  for (const int64_t max_history : {1, 8, 60}) {
    // Whole sequences have no targets: which clicks would be is not read.
    for (const TargetClicks targets : {TargetClicks::kAfterFirst, TargetClicks::kAll}) {
      EpochPlan plan(dataset, users,
                     {.targets = targets, .max_history = max_history, .seed = 3, .reading = Reading::kWhole});
      for (const int64_t epoch : {0, 7}) {
        Targets count;
        for (const TrainingSequence& sequence : plan.Sequences(epoch)) {
          EXPECT_EQ(sequence.reading, Reading::kWhole);
          EXPECT_EQ(sequence.num_targets(), 0);
          EXPECT_FALSE(sequence.first_click_target);
          EXPECT_LE(sequence.num_clicks(), max_history);
          for (int64_t click = sequence.begin; click < sequence.end; ++click) ++count[{sequence.user, click}];
        }
        Targets expected;
        for (const int32_t user : users) {
          for (int64_t click = 0; click < AllTrainingClicks(dataset, user); ++click)
            expected[{user, click}] = 1;
        }
        EXPECT_EQ(count, expected);
      }
    }
  }
}

// The largest target of each user, or with kWhole the newest click that is read; -1 for none.
std::map<int32_t, int64_t> LastClicks(const Dataset& dataset, const PlanRules& rules) {
  std::map<int32_t, int64_t> last;
  EpochPlan plan(dataset, WarmAndColdTrainUsers(dataset), rules);
  for (const TrainingSequence& sequence : plan.Sequences(0)) {
    const int64_t click = rules.reading == Reading::kWhole ? sequence.end - 1 : sequence.end;
    const auto at = last.emplace(sequence.user, -1).first;
    at->second = std::max(at->second, click);
  }
  return last;
}

TEST(EpochPlan, ShotsCropColdUsersAlone) {
  const Dataset dataset = test::MakeSyntheticDataset();
  for (const Reading reading : {Reading::kEveryClick, Reading::kEachTarget, Reading::kWhole}) {
    for (const int64_t shots : {0, 1, 3, 100}) {
      const auto last = LastClicks(
          dataset,
          {.targets = TargetClicks::kAll, .max_history = 50, .seed = 3, .reading = reading, .shots = shots});
      int64_t cropped = 0;
      for (const int32_t user : WarmAndColdTrainUsers(dataset)) {
        const int64_t clicks = AllTrainingClicks(dataset, user);
        const bool warm = dataset.user_part[static_cast<size_t>(user)] == UserPart::kWarm;
        // The first k clicks are read, and the next one, click number k from 0, is the last target.
        const int64_t expected = warm || shots == 0 ? clicks - 1 : std::min(clicks - 1, shots);
        ASSERT_TRUE(last.contains(user));
        EXPECT_EQ(last.at(user), expected) << "user " << user << ", " << shots << " shots";
        cropped += expected < clicks - 1;
      }
      EXPECT_EQ(cropped > 0, shots == 1 || shots == 3);
    }
  }
}

TEST(Users, WarmAndColdTrainAreThoseTwoInOrder) {
  const Dataset dataset = test::MakeSyntheticDataset();  // 0..7 of every ten
  std::vector<int32_t> expected;
  for (int32_t user = 0; user < 60; ++user) {
    if (user % 10 < 8) expected.push_back(user);
  }
  EXPECT_EQ(WarmAndColdTrainUsers(dataset), expected);
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
