// The sequences of an epoch, their global batches, and each rank's share. A function of (seed, epoch) alone:
// every rank makes the whole plan and takes its part, so the number of ranks never changes what a step trains
// on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.h"

namespace ppr::data {

// How the clicks of a sequence become inputs and targets.
enum class Reading : uint8_t {
  // Each click predicts the next one.
  kEveryClick,
  // One target: the click after the last, which all clicks predict together.
  kEachTarget,
  // No click after the last is predicted; the objective says what is (masked clicks, a profile value).
  kWhole,
};

// A stretch of a user's training history. Its tokens are clicks [begin, end); with kEveryClick the target
// read at click i is click i + 1. With first_click_target the click 0 is a target too, read before any click.
struct TrainingSequence {
  int32_t user = 0;
  int32_t begin = 0;
  int32_t end = 0;
  bool first_click_target = false;
  Reading reading = Reading::kEveryClick;

  int64_t num_clicks() const { return end - begin; }
  // Next-item targets.
  int64_t num_targets() const {
    if (reading == Reading::kEveryClick) return num_clicks() + (first_click_target ? 1 : 0);
    return reading == Reading::kEachTarget ? 1 : 0;
  }
};

// Which clicks of a user are targets.
enum class TargetClicks {
  kAfterFirst,  // every click that has a history
  kFirst,       // the first click only (zero-shot)
  kAll,         // both
};

// What an epoch is made of.
struct PlanRules {
  TargetClicks targets = TargetClicks::kAfterFirst;  // unread by kWhole
  int64_t max_history = 50;
  uint64_t seed = 1;
  Reading reading = Reading::kEveryClick;
  // k-shot cropping (paper 4.8): of a cold user only the first k clicks are read, and the one after them is
  // the last target; 0 = all.
  int64_t shots = 0;
};

// Makes the sequences of each epoch. Every click that TargetClicks names is a target exactly once an epoch;
// with kWhole every click is in exactly one sequence. Histories longer than max_history are cut into windows
// of max_history clicks; where the cuts fall changes from epoch to epoch. With kEachTarget a target's
// sequence is the last max_history clicks before it.
class EpochPlan {
 public:
  // `users`: whose training histories to use. `dataset` must outlive the plan.
  EpochPlan(const Dataset& dataset, std::vector<int32_t> users, const PlanRules& rules);

  // The sequences of `epoch` in training order; batch b is [b*B, min((b+1)*B, size)). Cached for the last
  // epoch asked for.
  const std::vector<TrainingSequence>& Sequences(int64_t epoch);
  int64_t NumBatches(int64_t epoch, int64_t batch_size);
  std::span<const TrainingSequence> Batch(int64_t epoch, int64_t batch, int64_t batch_size);

 private:
  void AppendSequences(int64_t epoch, int32_t user, std::vector<TrainingSequence>* sequences) const;
  void AppendEachTarget(int32_t user, int64_t clicks, std::vector<TrainingSequence>* sequences) const;
  int64_t UsableClicks(int32_t user) const;

  const Dataset& dataset_;
  std::vector<int32_t> users_;
  PlanRules rules_;
  int64_t cached_epoch_ = -1;
  std::vector<TrainingSequence> sequences_;
};

// Users of one part, ascending.
std::vector<int32_t> UsersOf(const Dataset& dataset, UserPart part);
// Warm users and cold users to train on, ascending.
std::vector<int32_t> WarmAndColdTrainUsers(const Dataset& dataset);

// Deals the sequences of a global batch to the ranks by tokens (longest first, to the least loaded): the
// indices that `rank` holds, ascending. `prefix_tokens` are added to every sequence. Ranks may get none.
std::vector<int64_t> DealByTokens(std::span<const TrainingSequence> batch, int64_t prefix_tokens,
                                  int world_size, int rank);

}  // namespace ppr::data
