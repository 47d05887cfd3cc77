// As training_step_test.cc, of all that the stages train besides: the number of ranks does not change what is
// learned.
#include <gtest/gtest.h>

#include "competitor_trace.h"

namespace ppr::train {
namespace {

// Losses differ by the rounding of sums, as in ExpectSame, and so few steps carry little of it on: measured,
// up to 1e-6 in losses and 2e-6 in parameters. A wrong factor, mask or lost row shows as 1e-2.
constexpr double kFirstSteps = 3e-6, kAll = 5e-5;

Trace TrainOnThreads(const TrainedSetting& setting, int world_size) {
  return TraceOnThreads(world_size,
                        [&](dist::Communicator& communicator) { return Train(communicator, setting); });
}

void ExpectSameForAllWorldSizes(const TrainedSetting& setting) {
  const Trace one = TrainOnThreads(setting, 1);
  ASSERT_EQ(static_cast<int64_t>(one.losses.size()), setting.steps);
  for (const int world_size : {2, 3, 4})
    ExpectSame(TrainOnThreads(setting, world_size), one, world_size, kFirstSteps, kAll);
}

class Competitors : public testing::TestWithParam<Trained> {};

TEST_P(Competitors, AreTheSameForAllWorldSizes) { ExpectSameForAllWorldSizes({.what = GetParam()}); }

TEST_P(Competitors, WithFirstClicksAndMoreRanksThanSequences) {
  const TrainedSetting setting{
      .what = GetParam(), .batch_size = 2, .steps = 12, .targets = data::TargetClicks::kAll};
  const Trace one = TrainOnThreads(setting, 1);
  ExpectSame(TrainOnThreads(setting, 4), one, 4, kFirstSteps, kAll);
}

std::string NameOfTrained(const testing::TestParamInfo<Trained>& info) {
  static const char* const kNames[] = {
      "Cl4srec",      "Bert4rec",           "Bert4recBpr", "Gru4rec",           "Melu",
      "Minet",        "TunedBidirectional", "TunedGru",    "TunedSharedPrompt", "TunedUserVectors",
      "TunedProfile", "TunedProfileBert"};
  return kNames[static_cast<size_t>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(All, Competitors,
                         testing::Values(Trained::kCl4srec, Trained::kBert4rec, Trained::kBert4recBpr,
                                         Trained::kGru4rec, Trained::kMelu, Trained::kMinet,
                                         Trained::kTunedBidirectional, Trained::kTunedGru,
                                         Trained::kTunedSharedPrompt, Trained::kTunedUserVectors,
                                         Trained::kTunedProfile, Trained::kTunedProfileBert),
                         NameOfTrained);

// The paths agree to rounding where both can run: with CL4SRec's views, shared prompts and user vectors.
TEST(CompetitorPaths, FusedAndReferenceAgree) {
  for (const Trained what :
       {Trained::kCl4srec, Trained::kTunedSharedPrompt, Trained::kTunedUserVectors, Trained::kTunedProfile}) {
    const Trace fused = TrainOnThreads({.what = what, .compute = ComputePath::kFused}, 2);
    ExpectSame(fused, TrainOnThreads({.what = what, .compute = ComputePath::kReference}, 2), 2, kFirstSteps,
               kAll);
  }
}

}  // namespace
}  // namespace ppr::train
