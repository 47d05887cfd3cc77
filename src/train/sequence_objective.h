// The objectives of sequence models: the next item (paper Eq. 2 and 5), hidden items (BERT4Rec) or a profile
// value (4.9.2), each with the contrastive loss of PPR (Eq. 6) or of CL4SRec when asked for.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "data/dataset.h"
#include "data/negatives.h"
#include "recommender/packed_batch.h"
#include "recommender/recommender.h"
#include "train/objective.h"
#include "train/step_rules.h"

namespace ppr::train {

// The share of a sequence objective.
struct PackedShare : Objective::Share {
  recommender::PackedBatch packed;
};

class SequenceObjective : public Objective {
 public:
  // All must outlive this. The recommender's compute path is fixed from here on. `profile_column`: of
  // dataset.profiles, what the recommender's classifier predicts; unread without one. Users of the training
  // sequences must have a value there.
  SequenceObjective(recommender::Recommender& recommender, const data::Dataset& dataset,
                    const data::NegativeSampler& negatives, const StepRules& rules,
                    int64_t profile_column = -1);
  ~SequenceObjective() override;

  int64_t NumTargets(const Upcoming& upcoming) const override;
  std::unique_ptr<Share> Pack(const Upcoming& upcoming) const override;
  Losses Compute(const Inputs& inputs) override;
  bool reads_whole_table() const override;
  int64_t prefix_tokens() const override;
  OnePass* one_pass() override { return one_pass_.get(); }

 private:
  bool predicts_profile() const { return recommender_.classifier() != nullptr; }
  bool hides_clicks(const data::TrainingSequence& sequence) const {
    return !predicts_profile() && sequence.reading == data::Reading::kWhole;
  }
  recommender::PackingRules PackingOf(const Upcoming& upcoming) const;
  at::Tensor MainSum(const Inputs& inputs, const recommender::PackedBatch& packed,
                     const at::Tensor& users) const;
  at::Tensor NextItemSum(const Inputs& inputs, const recommender::PackedBatch& packed,
                         const at::Tensor& users) const;
  at::Tensor ProfileSum(const recommender::PackedBatch& packed, const at::Tensor& users) const;
  // Over the views of PPR, or over CL4SRec's pair, per sequence.
  at::Tensor ContrastiveSum(const recommender::PackedBatch& packed,
                            const recommender::Recommender::Encoded& encoded) const;
  double contrastive_weight() const {
    return rules_.contrastive.weight > 0 ? rules_.contrastive.weight : rules_.augmentation.weight;
  }

  recommender::Recommender& recommender_;
  const data::Dataset& dataset_;
  const data::NegativeSampler& negatives_;
  const StepRules rules_;
  const int64_t profile_column_;
  const std::vector<recommender::View> augmented_;
  std::unique_ptr<OnePass> one_pass_;  // null when the loss needs the whole batch, and on the reference path
};

}  // namespace ppr::train
