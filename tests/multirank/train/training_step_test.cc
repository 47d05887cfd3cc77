// The number of ranks does not change the model: the same loss curve and the same parameters for W = 1, 2, 3,
// 4 over 200 steps of pre-training, PPR(light) and PPR(full), contrastive loss, dropout and augmentations
// included.
#include "train/training_step.h"
#include "train/sequence_objective.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/errors.h"
#include "support/run_ranks.h"
#include "training_trace.h"

namespace ppr::train {
namespace {

void ExpectSameForAllWorldSizes(const Setting& setting) {
  const Trace one = TrainOnThreads(setting, 1);
  ASSERT_EQ(static_cast<int64_t>(one.losses.size()), setting.steps);
  for (const int world_size : {2, 3, 4})
    ExpectSame(TrainOnThreads(setting, world_size), one, world_size, setting);
}

TEST(WorldSizeInvariance, Pretrain) { ExpectSameForAllWorldSizes({.kind = Kind::kPretrain}); }
TEST(WorldSizeInvariance, PretrainWithBce) {
  ExpectSameForAllWorldSizes({.kind = Kind::kPretrain, .loss = model::NextItemLoss::kBce});
}
TEST(WorldSizeInvariance, PretrainWithSharedNegatives) {
  ExpectSameForAllWorldSizes({.kind = Kind::kPretrain,
                              .loss = model::NextItemLoss::kBce,
                              .negative_sharing = recommender::NegativeSharing::kBatch,
                              .negatives = 20});
}
TEST(WorldSizeInvariance, LightWithContrastiveLoss) { ExpectSameForAllWorldSizes({.kind = Kind::kLight}); }
TEST(WorldSizeInvariance, FullWithContrastiveLossAndProjector) {
  ExpectSameForAllWorldSizes({.kind = Kind::kFull});
}
TEST(WorldSizeInvariance, FullOnAllClicksWithZeroedClicks) {
  ExpectSameForAllWorldSizes({.kind = Kind::kFull,
                              .targets = data::TargetClicks::kAll,
                              .behaviour = recommender::BehaviourAugmentation::kZero});
}
TEST(WorldSizeInvariance, TablesOfMeanItems) {
  ExpectSameForAllWorldSizes({.kind = Kind::kFull, .steps = 20, .mean_of_items = true});
}
TEST(WorldSizeInvariance, FineTuneOnFirstClicksHasNoTokensAtAll) {
  ExpectSameForAllWorldSizes({.kind = Kind::kFineTune, .steps = 50, .targets = data::TargetClicks::kFirst});
}
TEST(WorldSizeInvariance, MoreRanksThanSequences) {
  ExpectSameForAllWorldSizes({.kind = Kind::kPretrain, .batch_size = 2, .steps = 60});
  ExpectSameForAllWorldSizes(
      {.kind = Kind::kFull, .batch_size = 2, .steps = 60, .targets = data::TargetClicks::kAll});
}
TEST(WorldSizeInvariance, FewerItemsThanRanks) {
  ExpectSameForAllWorldSizes(
      {.kind = Kind::kPretrain, .steps = 60, .data = {.users = 40, .items = 3, .num_candidates = 1}});
}
TEST(WorldSizeInvariance, UsersWithOneClickOnly) {
  const test::SyntheticSettings one_click{.users = 84, .items = 12, .max_clicks = 1};
  ExpectSameForAllWorldSizes(
      {.kind = Kind::kFull, .steps = 40, .targets = data::TargetClicks::kAll, .data = one_click});
}

TEST(WorldSizeInvariance, OnTheReferencePath) {
  ExpectSameForAllWorldSizes({.kind = Kind::kPretrain, .compute = model::ComputePath::kReference});
  ExpectSameForAllWorldSizes({.kind = Kind::kFull, .compute = model::ComputePath::kReference});
}

// The fused path is the reference path to rounding: the same loss of every step and the same parameters.
void ExpectSameOnBothPaths(Setting setting) {
  const Trace fused = TrainOnThreads(setting, 2);
  setting.compute = model::ComputePath::kReference;
  ExpectSame(fused, TrainOnThreads(setting, 2), 2, setting);
}
TEST(ComputePaths, PretrainFiveHundredSteps) {
  // GELU: so many steps on a toy model nearly always meet a ReLU within rounding of 0.
  for (const model::NextItemLoss loss : {model::NextItemLoss::kBpr, model::NextItemLoss::kBce}) {
    ExpectSameOnBothPaths(
        {.kind = Kind::kPretrain, .steps = 500, .loss = loss, .activation = model::Activation::kGelu});
    ExpectSameOnBothPaths({.kind = Kind::kPretrain, .steps = 100, .loss = loss});
  }
}
TEST(ComputePaths, SharedNegatives) {
  for (const model::NextItemLoss loss : {model::NextItemLoss::kBpr, model::NextItemLoss::kBce}) {
    ExpectSameOnBothPaths({.kind = Kind::kPretrain,
                           .loss = loss,
                           .negative_sharing = recommender::NegativeSharing::kBatch,
                           .negatives = 20});
  }
}
TEST(ComputePaths, PromptsInOnePassAndInTwo) {
  ExpectSameOnBothPaths({.kind = Kind::kFineTune, .targets = data::TargetClicks::kAll});
  ExpectSameOnBothPaths({.kind = Kind::kLight, .targets = data::TargetClicks::kAll});
  ExpectSameOnBothPaths({.kind = Kind::kFull, .targets = data::TargetClicks::kAll});
}

// The same bits each time at the same number of threads, whether batches are announced or not; another number
// of threads is another order of sums.
TEST(Threads, RepeatBitForBitAndAgree) {
  for (const Kind kind : {Kind::kPretrain, Kind::kFineTune, Kind::kFull}) {
    // Wide enough that packing leaves the first thread something to compute.
    const Setting two{.kind = kind, .batch_size = 12, .steps = 40, .threads = 2, .width = 64};
    Setting unannounced = two, one = two;
    unannounced.announces = false;
    one.threads = 1;
    const Trace trace = TrainOnThreads(two, 1);
    for (const Setting& setting : {two, unannounced}) {
      const Trace again = TrainOnThreads(setting, 1);
      EXPECT_EQ(trace.losses, again.losses);
      EXPECT_TRUE(at::equal(trace.dense, again.dense));
      EXPECT_TRUE(at::equal(trace.rows, again.rows));
    }
    const Trace alone = TrainOnThreads(one, 1);
    EXPECT_FALSE(at::equal(trace.dense, alone.dense)) << "both threads took part";
    ExpectSame(trace, alone, 1, one);
  }
}

TEST(TrainingStep, LearnsWhatTheDataHolds) {
  // Half of the items are only ever clicked by others of another age: the loss must fall well below ln 2, its
  // start.
  const Trace trace = TrainOnThreads(
      {.kind = Kind::kPretrain, .batch_size = 16, .steps = 600, .dropout = 0, .rate = 0.005}, 2);
  double last = 0;
  for (size_t s = trace.losses.size() - 20; s < trace.losses.size(); ++s) last += trace.losses[s] / 20;
  EXPECT_LT(last, 0.6);
}

TEST(TrainingStep, LightFreezesWhatIsPretrained) {
  const data::Dataset dataset = test::MakeSyntheticDataset();
  test::RunRanks(2, [&](dist::Communicator& communicator) {
    model::PromptConfig prompt;
    recommender::Recommender recommender(communicator, SmallEncoder(0.1), prompt,
                                         recommender::MakeProfileInput(dataset, {}), dataset.num_items(), 5);
    const data::NegativeSampler negatives(dataset, 5);
    StepRules rules;
    rules.train_pretrained = false;
    rules.contrastive.weight = 0.1;
    const at::Tensor rows_before = recommender.table().rows.clone();
    const at::Tensor values_before = recommender.parameters().values().clone();
    SequenceObjective objective(recommender, dataset, negatives, rules);
    TrainingStep step(recommender, objective, rules);
    EXPECT_EQ(step.row_optimiser(), nullptr) << "frozen rows have no moments";
    data::EpochPlan plan(dataset, data::UsersOf(dataset, data::UserPart::kColdTrain),
                         {.targets = data::TargetClicks::kAll, .max_history = 6, .seed = 5});
    for (int64_t s = 1; s <= 5; ++s) step.Run(s, s, plan.Batch(s, 0, 8));
    EXPECT_TRUE(at::equal(recommender.table().rows, rows_before));
    bool new_moved = false;
    for (const model::DenseParameter& parameter : recommender.parameters().parameters()) {
      const at::Tensor after = recommender.parameters().values().narrow(0, parameter.offset, parameter.numel);
      const bool same = at::equal(after, values_before.narrow(0, parameter.offset, parameter.numel));
      if (parameter.group == model::ParameterGroup::kPretrained) {
        EXPECT_TRUE(same) << parameter.name;
      } else if (!same) {
        new_moved = true;
      }
    }
    EXPECT_TRUE(new_moved);
  });
}

TEST(TrainingStep, ANonFiniteLossStopsEveryRankAndUpdatesNothing) {
  const data::Dataset dataset = test::MakeSyntheticDataset();
  test::RunRanks(3, [&](dist::Communicator& communicator) {
    recommender::Recommender recommender(communicator, SmallEncoder(0), std::nullopt, {}, dataset.num_items(),
                                         5);
    const data::NegativeSampler negatives(dataset, 5);
    SequenceObjective objective(recommender, dataset, negatives, StepRules{});
    TrainingStep step(recommender, objective, StepRules{});
    if (communicator.rank() == 1) recommender.table().rows.fill_(std::nan(""));
    const at::Tensor before = recommender.parameters().values().clone();
    const at::Tensor rows_before = recommender.table().rows.clone();
    data::EpochPlan plan(dataset, data::UsersOf(dataset, data::UserPart::kWarm),
                         {.targets = data::TargetClicks::kAfterFirst, .max_history = 6, .seed = 5});
    EXPECT_THROW(step.Run(0, 1, plan.Batch(0, 0, 16)), DoNotRestartError);
    EXPECT_TRUE(at::equal(recommender.parameters().values(), before));
    EXPECT_TRUE(at::allclose(recommender.table().rows, rows_before, 0, 0, /*equal_nan=*/true));
    checkpoint::TrainingState state;
    step.AppendState(&state);
    for (const checkpoint::StateTensor& entry : state)
      EXPECT_TRUE(entry.tensor.eq(0).all().item<bool>()) << entry.name;
  });
}

}  // namespace
}  // namespace ppr::train
