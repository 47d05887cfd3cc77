// The gradients of a next-item batch by the fused encoder, without autograd but for the small prompt and
// profile models: dense gradients go to the flat buffer, row gradients are formed when they are asked for,
// straight from where their parts lie.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "model/fused/fused_encoder.h"
#include "model/gather_rows.h"
#include "optim/adam.h"
#include "recommender/packed_batch.h"
#include "recommender/recommender.h"
#include "train/step_rules.h"

namespace ppr::train {

class OnePass {
 public:
  // The recommender is on the fused path and outlives this.
  OnePass(recommender::Recommender& recommender, const data::Dataset& dataset, const StepRules& rules);

  struct Result {
    double loss_sum = 0;  // over this rank's targets
    bool finite = true;   // gradients and read-outs, of which row gradients are made
  };

  // Local but for what `meanwhile` does. One view. rows: where each distinct row is; row_of_id: which of them
  // the batch's ids are, in the order of NeededIds; occurrences: the same, by row, unread when rows are
  // frozen; must stay valid while RowGradient is asked. Adds to the dense gradients; those are scaled by 1 /
  // global_targets, as row gradients are.
  Result Run(const recommender::PackedBatch& packed, const std::vector<const float*>& rows,
             const std::vector<int64_t>& row_of_id, const model::RowOccurrences& occurrences,
             int64_t global_targets, const model::SideWork& meanwhile);

  // The gradient [d] of distinct row `row` of the last batch. Any thread.
  void RowGradient(int64_t row, float* gradient) const;
  // Those of all rows but [first, first + count): [rows - count, d], kept until the next call.
  at::Tensor RowGradientsWithout(int64_t first, int64_t count);

 private:
  void MakeTargets(const recommender::PackedBatch& packed, int64_t global_targets);
  void ReturnToProfiles(const recommender::PackedBatch& packed,
                        const recommender::Recommender::ProfileParts& parts,
                        const model::NextItemGradients& gradients) const;
  // Fills in the rows of gradients and their factors that each row's gradient is the sum of.
  void PointAtParts(const recommender::PackedBatch& packed, const model::NextItemGradients& gradients);

  recommender::Recommender& recommender_;
  const data::Dataset& dataset_;
  const StepRules& rules_;
  std::vector<const float*> item_rows_, inputs_;
  model::NextItemTargets targets_;
  const model::RowOccurrences* occurrences_ = nullptr;  // of the last batch
  std::vector<const float*> occurrence_rows_;           // in the order of occurrences_->places
  std::vector<float> occurrence_factors_;
  at::Tensor row_gradients_;
};

}  // namespace ppr::train
