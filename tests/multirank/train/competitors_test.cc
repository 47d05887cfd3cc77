// As training_step_test.cc, of all that the stages train besides: the number of ranks does not change what is
// learned.
#include <gtest/gtest.h>

#include "competitor_trace.h"

namespace ppr::train {
namespace {

class Competitors : public testing::TestWithParam<Trained> {};

TEST_P(Competitors, AreTheSameForAllWorldSizes) {
  const TrainedSetting setting{.what = GetParam()};
  const Trace one = TrainOnThreads(setting, 1);
  ASSERT_EQ(static_cast<int64_t>(one.losses.size()), setting.steps);
  for (const int world_size : {2, 3, 4})
    ExpectSameTraining(TrainOnThreads(setting, world_size), one, world_size);
}

TEST_P(Competitors, WithFirstClicksAndMoreRanksThanSequences) {
  const TrainedSetting setting{
      .what = GetParam(), .batch_size = 2, .steps = 12, .targets = data::TargetClicks::kAll};
  ExpectSameTraining(TrainOnThreads(setting, 4), TrainOnThreads(setting, 1), 4);
}

INSTANTIATE_TEST_SUITE_P(All, Competitors, testing::ValuesIn(EveryTrained()), NameOfTrained);

// The paths agree to rounding where both can run: with CL4SRec's views, shared prompts and user vectors.
TEST(CompetitorPaths, FusedAndReferenceAgree) {
  for (const Trained what :
       {Trained::kCl4srec, Trained::kTunedSharedPrompt, Trained::kTunedUserVectors, Trained::kTunedProfile}) {
    const Trace fused = TrainOnThreads({.what = what, .compute = model::ComputePath::kFused}, 2);
    ExpectSameTraining(fused, TrainOnThreads({.what = what, .compute = model::ComputePath::kReference}, 2),
                       2);
  }
}

}  // namespace
}  // namespace ppr::train
