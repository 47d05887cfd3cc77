// Trains a small model on given ranks and keeps what the world-size tests compare: the loss of every step and
// the final parameters. A pure function of the setting, whatever the ranks.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "data/batches.h"
#include "dist/communicator.h"
#include "support/synthetic_dataset.h"
#include "train/training_step.h"

namespace ppr::train {

enum class Kind { kPretrain, kLight, kFull, kFineTune };

struct Setting {
  Kind kind = Kind::kPretrain;
  int64_t batch_size = 8;
  int64_t steps = 200;
  data::TargetClicks targets = data::TargetClicks::kAfterFirst;
  test::SyntheticSettings data = {};
  double dropout = 0.2;
  model::NextItemLoss loss = model::NextItemLoss::kBpr;
  recommender::BehaviourAugmentation behaviour = recommender::BehaviourAugmentation::kDelete;
  bool mean_of_items = false;
  double rate = 0.001;
  model::ComputePath compute = model::ComputePath::kFused;
  recommender::NegativeSharing negative_sharing = recommender::NegativeSharing::kOwn;
  int64_t negatives = 2;
  int threads = 1;
  int64_t width = 16;
  bool announces = true;  // two batches of three, ahead of time
  model::Activation activation = model::Activation::kRelu;
};

struct Trace {
  std::vector<double> losses;
  at::Tensor dense;  // [P]
  at::Tensor rows;   // [V, d] by id
};

// Two blocks of width 16, which both compute paths can run, with windows of 6 clicks.
model::EncoderConfig SmallEncoder(double dropout);

// Collective.
Trace TrainOn(dist::Communicator& communicator, const Setting& setting);
// On W threads of this process.
Trace TrainOnThreads(const Setting& setting, int world_size);

// What `train` gives on rank 0 of W threads of this process.
Trace TraceOnThreads(int world_size, const std::function<Trace(dist::Communicator&)>& train);
// Collective. Steps 1 .. `steps` on the batches of `plan` from its first epoch on; then all rows are caught
// up.
Trace RunSteps(recommender::ShardedModel& model, TrainingStep& step, data::EpochPlan& plan,
               int64_t batch_size, int64_t steps, bool announces = true);

// EXPECTs that `many`, of `world_size` ranks, is `one` to rounding, and prints the drift. Local.
void ExpectSame(const Trace& many, const Trace& one, int world_size, const Setting& setting);
// The same with tolerances, relative (to 1 where a loss is less): of the first 20 losses, and of all of them
// and the parameters.
void ExpectSame(const Trace& many, const Trace& one, int world_size, double first_steps, double all);

}  // namespace ppr::train
