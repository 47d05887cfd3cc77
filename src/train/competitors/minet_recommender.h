// MiNet (model/minet.h) on the sharded table, which holds the items of both domains: the target's are rows
// 1..V, the source's follow. Users of the two datasets are matched by their ids; one that the source does not
// have, or one without clicks yet, is scored by what is left: the other domain's clicks and the profile.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "data/negatives.h"
#include "model/losses/registry.h"
#include "model/minet.h"
#include "recommender/profile_input.h"
#include "settings/settings.h"
#include "train/competitors/pair_scorer.h"
#include "train/objective.h"

namespace ppr::train {

// MiNet (model/minet.h): newest clicks that it attends to.
struct MinetSettings {
  int64_t target_clicks = 10;
  int64_t source_clicks = 20;
};
// Under the topic and in the section of the moment.
void Describe(settings::Settings& settings, MinetSettings& config);

class MinetRecommender : public PairScorer {
 public:
  // All references must outlive this.
  MinetRecommender(dist::Communicator& communicator, const data::Dataset& dataset,
                   const data::Dataset& source, const recommender::ProfileInput& profile,
                   const MinetSettings& settings, int64_t width, double init_std, uint64_t seed);

  at::Tensor Score(std::span<const int64_t> cases, const std::vector<int64_t>& items) override;

  // Items whose rows a batch reads: for each user the newest clicks before `position` here, then the newest
  // in the source.
  struct Clicks {
    std::vector<int32_t> users;
    std::vector<int64_t> target_offsets = {0}, source_offsets = {0};
    std::vector<int64_t> target_rows, source_rows;  // ids of the table
  };
  void AppendClicks(int32_t user, int64_t position, Clicks* clicks) const;
  // The row of a source item.
  int64_t SourceRow(int64_t item) const { return dataset_.num_items() + item; }
  // The source's user of the same id, or -1.
  int32_t SourceUser(int32_t user) const { return source_users_[static_cast<size_t>(user)]; }
  const data::Dataset& source() const { return source_; }
  const model::MinetModel& minet() const { return *minet_; }
  // The model's batch of `clicks`, whose rows are the first of row_of_id, and of targets [B, C], which
  // follow.
  model::MinetBatch BatchOf(const Clicks& clicks, const at::Tensor& rows,
                            const std::vector<int64_t>& row_of_id, int64_t targets_each) const;

 private:
  const data::Dataset& source_;
  MinetSettings settings_;
  std::vector<int32_t> source_users_;
  std::unique_ptr<model::MinetModel> minet_;
};

// The loss of one target and one negative a sequence (Reading::kEachTarget), and, of users with source
// clicks, that of a source click and a source negative (MiNet's joint loss, weights 1 and 1; the second is
// not reported).
class MinetObjective : public Objective {
 public:
  // All references must outlive this.
  MinetObjective(MinetRecommender& recommender, const data::NegativeSampler& negatives,
                 const data::NegativeSampler& source_negatives, model::NextItemLoss loss, uint64_t seed)
      : recommender_(recommender),
        negatives_(negatives),
        source_negatives_(source_negatives),
        loss_(loss),
        seed_(seed) {}

  int64_t NumTargets(const GlobalBatch& batch) const override {
    return static_cast<int64_t>(batch.sequences.size());
  }
  std::unique_ptr<GradientPass> Pack(const GlobalBatch& batch, bool trains_rows) override;

 private:
  MinetRecommender& recommender_;
  const data::NegativeSampler& negatives_;
  const data::NegativeSampler& source_negatives_;
  model::NextItemLoss loss_;
  uint64_t seed_;
};

}  // namespace ppr::train
