// One optimisation step over a global batch: exchange of rows, forward, loss, backward, exchange of
// gradients, optimiser.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "data/batches.h"
#include "dist/row_exchange.h"
#include "optim/optimiser.h"
#include "recommender/sharded_model.h"
#include "train/gradient_pass.h"
#include "train/objective.h"
#include "train/step_rules.h"
#include "train/step_times.h"

namespace ppr::train {

class TrainingStep {
 public:
  // Both must outlive this. Frozen parameters are frozen here.
  TrainingStep(recommender::ShardedModel& model, Objective& objective, const StepRules& rules);

  // Collective. Step number `step` (from 1) on `batch`, the global batch, the same on all ranks.
  // DoNotRestartError on every rank when loss or gradients are not finite; the parameters then are those of
  // the step before.
  //
  // `next`, when known: while this step computes, that batch is packed and its ids travel; the next Run finds
  // it ready. The results are the same without.
  StepResult Run(int64_t epoch, int64_t step, std::span<const data::TrainingSequence> batch,
                 const GlobalBatch* next = nullptr);

  // Brings every row of this rank to `step`; before evaluation. Local.
  void CatchUpRows(int64_t step);

  // Appends what the optimiser keeps.
  void AppendState(checkpoint::TrainingState* state) const;
  optim::RowOptimiser* row_optimiser() { return row_optimiser_.get(); }  // null when the table is frozen
  int64_t trained_parameters() const;                                    // over all ranks, rows included
  StepTimes& times() { return times_; }

 private:
  // This rank's share of a global batch, and who sends which rows to whom for it.
  struct Batch {
    int64_t epoch = 0;
    BatchCounts counts;
    std::unique_ptr<GradientPass> pass;
    dist::ExchangePlan plan;
  };
  struct PendingBatch {
    Batch batch;
    dist::PendingPlan plan;
  };
  PendingBatch Begin(const GlobalBatch& global);
  Batch Finish(PendingBatch pending);
  // Brings the rows that a batch reads to the step before.
  void CatchUp(const Batch& batch);
  // `rows`: gradients of the rows; unread when they are frozen.
  void Optimise(const Batch& batch, const RowGradients& rows);
  // Sums over ranks, checked to be finite before anything is updated.
  StepResult Agree(const BatchLosses& losses, const BatchCounts& counts);

  recommender::ShardedModel& model_;
  Objective& objective_;
  StepRules rules_;
  int64_t first_trained_ =
      0;  // offset of the first dense parameter that trains: the trained ones are a suffix
  std::unique_ptr<optim::DenseOptimiser> dense_optimiser_;
  std::unique_ptr<optim::RowOptimiser> row_optimiser_;  // null when the table is frozen
  std::optional<Batch> prepared_;                       // the next batch
  StepTimes times_;
};

}  // namespace ppr::train
