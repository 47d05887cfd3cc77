// As training_trace.h, of what else the stages train: the competitors, tuning of other encoders and with
// other prompts, and prediction of profile values.
#pragma once

#include <cstdint>
#include <memory>

#include "data/dataset.h"
#include "train/recommender.h"
#include "training_trace.h"

namespace ppr::train {

enum class Trained {
  kCl4srec,
  kBert4rec,     // softmax over the catalogue
  kBert4recBpr,  // negatives of its own
  kGru4rec,
  kMelu,
  kMinet,
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
  ComputePath compute = ComputePath::kAuto;
  int64_t batch_size = 8;
  int64_t steps = 24;
  data::TargetClicks targets = data::TargetClicks::kAfterFirst;
};

// The dataset that all of them train on, and the other domain: some of its users, with clicks of their own.
data::Dataset TargetDomain();
data::Dataset SourceDomain();
// A recommender that predicts "city" of TargetDomain() from "age", as it starts.
std::unique_ptr<Recommender> ProfilePredictor(dist::Communicator& communicator,
                                              model::AttentionSpan attention, double dropout = 0.2);

// Collective.
Trace Train(dist::Communicator& communicator, const TrainedSetting& setting);

}  // namespace ppr::train
