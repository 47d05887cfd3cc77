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
#include "train/autograd_pass.h"
#include "train/fused_next_item_pass.h"
#include "train/objective.h"
#include "train/step_rules.h"

namespace ppr::train {

class SequenceObjective : public Objective {
 public:
  // All must outlive this. The recommender's compute path is fixed from here on. `profile_column`: of
  // dataset.profiles, what the recommender's classifier predicts; unread without one. Users of the training
  // sequences must have a value there.
  SequenceObjective(recommender::Recommender& recommender, const data::Dataset& dataset,
                    const data::NegativeSampler& negatives, const StepRules& rules,
                    int64_t profile_column = -1);

  int64_t NumTargets(const GlobalBatch& batch) const override;
  std::unique_ptr<GradientPass> Pack(const GlobalBatch& batch, bool trains_rows) override;
  bool reads_whole_table() const override;
  int64_t prefix_tokens() const override;

 private:
  bool predicts_profile() const { return recommender_.classifier() != nullptr; }
  bool hides_clicks(const data::TrainingSequence& sequence) const {
    return !predicts_profile() && sequence.reading == data::Reading::kWhole;
  }
  recommender::PackingRules PackingOf(const GlobalBatch& batch) const;
  AutogradPass::Loss Forward(const recommender::PackedBatch& packed,
                             const AutogradPass::Inputs& inputs) const;
  at::Tensor MainSum(const AutogradPass::Inputs& inputs, const recommender::PackedBatch& packed,
                     const at::Tensor& users) const;
  at::Tensor NextItemSum(const AutogradPass::Inputs& inputs, const recommender::PackedBatch& packed,
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
  const model::NextItemLossSpec loss_;
  const int64_t profile_column_;
  const std::vector<recommender::View> augmented_;
  // Null when the loss needs the whole batch, and on the reference path: then by autograd.
  const std::unique_ptr<FusedNextItemPass> fused_;
};

}  // namespace ppr::train
