// One optimisation step over a global batch: exchange of rows, forward, loss, backward, exchange of
// gradients, Adam.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data/batches.h"
#include "data/negatives.h"
#include "train/adam.h"
#include "train/recommender.h"
#include "train/stage_config.h"

namespace ppr::train {

// What a step trains and how; the same on all ranks.
struct StepRules {
  model::NextItemLoss loss = model::NextItemLoss::kBpr;
  int64_t negatives = 1;
  LearningRate pretrained_rate, new_rate;
  AdamConfig adam;
  bool train_pretrained = true;  // false: PPR(light); rows then have no gradient, moment or traffic back
  ContrastiveConfig contrastive{.weight = 0};
  uint64_t seed = 1;
};

struct StepResult {
  double loss = 0;              // L_p of Eq. 5 (or L_o of Eq. 2): mean over the global batch's targets
  double contrastive = 0;       // L_CL of Eq. 6: mean over the global batch's users, summed over views
  int64_t targets = 0;          // of the global batch
  bool stop_requested = false;  // by any rank
};

class TrainingStep {
 public:
  // All must outlive this. Frozen parameters are frozen here.
  TrainingStep(Recommender& recommender, const data::Dataset& dataset, const data::NegativeSampler& negatives,
               const StepRules& rules);

  // Collective. Step number `step` (from 1) on `batch`, the global batch, the same on all ranks.
  // DoNotRestartError on every rank when loss or gradients are not finite; the parameters then are those of
  // the step before.
  StepResult Run(int64_t epoch, int64_t step, std::span<const data::TrainingSequence> batch);

  // Brings every row of this rank to `step`; before evaluation. Local.
  void CatchUpRows(int64_t step);

  DenseAdam& dense_adam() { return dense_adam_; }
  RowAdam* row_adam() { return row_adam_ ? &*row_adam_ : nullptr; }  // null when the table is frozen
  int64_t trained_parameters() const;                                // over all ranks, rows included

 private:
  struct Losses {
    at::Tensor total;  // scaled, what backward starts from
    double loss_sum = 0, contrastive_sum = 0;
  };
  struct Shared {  // the global batch, as every rank knows it
    int64_t targets = 0, users = 0;
  };
  PackedBatch Pack(int64_t epoch, int64_t step, std::span<const data::TrainingSequence> batch) const;
  Losses ComputeLosses(const PackedBatch& packed, const at::Tensor& rows,
                       const std::vector<int64_t>& row_of_id, int64_t step, const Shared& shared);
  at::Tensor ContrastiveSum(const PackedBatch& packed, const Recommender::Encoded& encoded);
  void Optimise(const dist::ExchangePlan& plan, const at::Tensor& row_gradients, int64_t step);
  // Sums over ranks, checked to be finite before anything is updated.
  StepResult Agree(const Losses& losses, bool gradients_finite, const Shared& shared, int64_t step);

  Recommender& recommender_;
  const data::Dataset& dataset_;
  const data::NegativeSampler& negatives_;
  StepRules rules_;
  std::vector<View> augmented_;
  int64_t first_trained_ =
      0;  // offset of the first dense parameter that trains: the trained ones are a suffix
  DenseAdam dense_adam_;
  std::optional<RowAdam> row_adam_;
};

}  // namespace ppr::train
