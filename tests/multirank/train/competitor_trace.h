// As training_trace.h, of what else the stages train: the competitors, tuning of other encoders and with
// other prompts, and prediction of profile values.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "recommender/recommender.h"
#include "training_trace.h"

namespace ppr::train {

enum class Trained {
  kCl4srec,
  kBert4rec,     // softmax over the catalogue
  kBert4recBpr,  // negatives of its own
  kGru4rec,
  kMelu,
  kMinet,
  kMinetBpr,
  // PPR(full) with both contrastive views, unless it says otherwise.
  kTunedBidirectional,
  kTunedGru,
  kTunedSharedPrompt,
  kTunedUserVectors,
  kTunedProfile,      // towards a profile value; no contrastive loss
  kTunedProfileBert,  // the same of a bidirectional encoder
};

struct TrainedSetting {
  Trained what = Trained::kCl4srec;
  model::ComputePath compute = model::ComputePath::kAuto;
  int64_t batch_size = 8;
  int64_t steps = 24;
  data::TargetClicks targets = data::TargetClicks::kAfterFirst;
};

// The dataset that all of them train on, and the other domain: some of its users, with clicks of their own.
data::Dataset TargetDomain();
data::Dataset SourceDomain();
// A recommender that predicts "city" of TargetDomain() from "age", as it starts.
std::unique_ptr<recommender::Recommender> ProfilePredictor(dist::Communicator& communicator,
                                                           model::AttentionSpan attention,
                                                           double dropout = 0.2);

// Collective.
Trace Train(dist::Communicator& communicator, const TrainedSetting& setting);
// On W threads of this process.
Trace TrainOnThreads(const TrainedSetting& setting, int world_size);

// ExpectSame with the tolerances of these few steps. Losses differ by the rounding of sums, and 24 steps
// carry little of it on: measured, up to 1e-6 in losses and 2e-6 in parameters. A wrong factor, mask or lost
// row shows as 1e-2.
void ExpectSameTraining(const Trace& many, const Trace& one, int world_size);

// Every kind, for INSTANTIATE_TEST_SUITE_P, and its name.
std::vector<Trained> EveryTrained();
std::string NameOfTrained(const testing::TestParamInfo<Trained>& info);

}  // namespace ppr::train
