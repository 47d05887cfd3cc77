// MeLU (model/melu.h) on the sharded table: every stretch of clicks is a task, cut at random into what the
// user's decision layers are adapted on and what they are judged on. A user without known clicks is scored by
// the global layers, that is, by profile and item alone.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "data/negatives.h"
#include "model/melu.h"
#include "recommender/profile_input.h"
#include "settings/settings.h"
#include "train/competitors/pair_scorer.h"
#include "train/objective.h"

namespace ppr::train {

// MeLU (model/melu.h) on clicks.
struct MeluSettings {
  double local_rate = 0.3;  // of the steps that adapt a user's decision layers
  int64_t local_steps = 1;
  int64_t support_clicks = 10;  // newest known clicks that a user's layers are adapted on
};
// Under the topic and in the section of the moment.
void Describe(settings::Settings& settings, MeluSettings& config);

class MeluRecommender : public PairScorer {
 public:
  // All references must outlive this. `negatives`: what adaptation compares known clicks with.
  MeluRecommender(dist::Communicator& communicator, const data::Dataset& dataset,
                  const recommender::ProfileInput& profile, const data::NegativeSampler& negatives,
                  const MeluSettings& settings, model::NextItemLoss loss, int64_t width, double init_std,
                  uint64_t seed);

  // Adapts to the newest settings.support_clicks clicks before each case, each against one negative.
  at::Tensor Score(std::span<const int64_t> cases, const std::vector<int64_t>& items) override;

  const model::MeluModel& melu() const { return *melu_; }
  const MeluSettings& settings() const { return settings_; }
  const data::NegativeSampler& negatives() const { return negatives_; }
  using PairScorer::CodesOf;

 private:
  const data::NegativeSampler& negatives_;
  MeluSettings settings_;
  std::unique_ptr<model::MeluModel> melu_;
};

// The loss of MeLU's query pairs. Sequences are read click by click (Reading::kEveryClick); a task is the
// clicks of a sequence and its last target.
class MeluObjective : public Objective {
 public:
  // `recommender` must outlive this.
  MeluObjective(MeluRecommender& recommender, uint64_t seed) : recommender_(recommender), seed_(seed) {}

  int64_t NumTargets(const GlobalBatch& batch) const override;  // query pairs
  std::unique_ptr<GradientPass> Pack(const GlobalBatch& batch, bool trains_rows) override;

 private:
  // Clicks [begin, split) are support, [split, end) query.
  struct Task {
    int32_t user, begin, split, end;
  };
  // A function of (seed, epoch, user, window); the support is at most settings.support_clicks clicks, and
  // empty only where a user's first click is a target.
  Task TaskOf(int64_t epoch, const data::TrainingSequence& sequence) const;

  MeluRecommender& recommender_;
  uint64_t seed_;
};

}  // namespace ppr::train
