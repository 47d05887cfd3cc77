// The gradients of next-item batches by the fused encoder, without autograd but for the small prompt and
// profile models: dense gradients go to the flat buffer, row gradients are formed when they are asked for,
// straight from where their parts lie.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "model/fused/fused_encoder.h"
#include "model/gather_rows.h"
#include "recommender/packed_batch.h"
#include "recommender/recommender.h"
#include "train/gradient_pass.h"
#include "train/step_rules.h"

namespace ppr::train {

// Keeps the tables and results of the batch that computes, so that batches reuse their memory.
class FusedNextItemPass {
 public:
  // The recommender is on the fused path. All must outlive this.
  FusedNextItemPass(recommender::Recommender& recommender, const data::Dataset& dataset,
                    const StepRules& rules);

  // A batch of one view. `ids`: of its item tokens, its positives and its negatives, in this order. This must
  // outlive the result; of several, one computes at a time, until its row gradients are used up.
  std::unique_ptr<GradientPass> Take(recommender::PackedBatch packed, std::vector<int64_t> ids);

 private:
  class Batch;

  // Own rows are read where they are kept, the others' are `fetched`.
  void PointAtRows(const dist::ExchangePlan& plan, const at::Tensor& fetched,
                   const std::vector<int64_t>& row_of_id);
  // `places`: of each distinct row in the batch's ids; unread when rows are frozen; must stay valid while
  // row gradients are asked for.
  BatchLosses Run(const recommender::PackedBatch& packed, const model::InvertedIndex& places,
                  int64_t global_targets, const model::SideWork& meanwhile);
  void MakeTargets(const recommender::PackedBatch& packed, int64_t global_targets);
  void ReturnToProfiles(const recommender::PackedBatch& packed,
                        const recommender::Recommender::ProfileParts& parts,
                        const model::NextItemGradients& gradients) const;
  // Fills in the rows of gradients and their factors that each row's gradient is the sum of.
  void PointAtParts(const recommender::PackedBatch& packed, const model::NextItemGradients& gradients);
  // The gradient [d] of distinct row `row` of the last batch. Any thread.
  void RowGradient(int64_t row, float* gradient) const;
  // Those of all rows but [first, first + count): [rows - count, d], kept until the next call.
  at::Tensor RowGradientsWithout(int64_t first, int64_t count);
  // This rank's own part of the gradient of plan.touched_slots[g], then what the others sent, in their order.
  void SumOverRanks(const dist::ExchangePlan& plan, const at::Tensor& of_others, int64_t g,
                    float* gradient) const;

  recommender::Recommender& recommender_;
  const data::Dataset& dataset_;
  const StepRules& rules_;
  // Of the last batch: each distinct row, each id's row, each token's input.
  std::vector<const float*> rows_, item_rows_, inputs_;
  model::NextItemTargets targets_;
  const model::InvertedIndex* places_of_rows_ = nullptr;  // of the last batch
  std::vector<const float*> part_rows_;                   // in the order of places_of_rows_->places
  std::vector<float> part_factors_;
  at::Tensor row_gradients_;
};

}  // namespace ppr::train
