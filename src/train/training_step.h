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
#include "model/fused/fused_encoder.h"
#include "model/gather_rows.h"
#include "optim/optimiser.h"
#include "recommender/sharded_model.h"
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
                 const Upcoming* next = nullptr);

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
    int64_t epoch = 0, step = 0;
    int64_t global_users = 0, global_targets = 0;
    std::unique_ptr<Objective::Share> share;
    std::vector<int64_t> row_of_id;  // of each of the share's ids, the row among the plan's
    dist::ExchangePlan plan;
    model::RowOccurrences
        occurrences;  // of the plan's rows in row_of_id; for the one pass, unless rows are frozen
  };
  struct PendingBatch {
    Batch batch;
    dist::PendingPlan plan;
  };
  // What autograd leaves of rows: [U, d] of the fetched ones, and [S, d] of this rank's whole shard when the
  // objective reads the whole table.
  struct RowGradients {
    at::Tensor fetched, shard;
  };
  PendingBatch Begin(const Upcoming& upcoming);
  Batch Finish(PendingBatch pending);
  // Forward and backward: dense gradients land in the flat buffer, those of rows in `row_gradients` or, on
  // the fused path, in one_pass_.
  Objective::Losses ComputeGradients(const Batch& batch, const at::Tensor& rows,
                                     const model::SideWork& meanwhile, RowGradients* row_gradients);
  Objective::Losses ComputeByAutograd(const Batch& batch, const at::Tensor& rows,
                                      RowGradients* row_gradients);
  // Brings the rows that a batch reads to the step before.
  void CatchUp(const Batch& batch);
  // Sends row gradients to their owners. Returns their sums over ranks for the slots touched here; on the
  // fused path the others' parts alone, which Optimise adds to this rank's own.
  at::Tensor ExchangeRowGradients(const Batch& batch, const at::Tensor& row_gradients);
  void PointAtRows(const dist::ExchangePlan& plan, const at::Tensor& others);
  void Optimise(const Batch& batch, const RowGradients& gradients);
  // The same for rows that the one pass has the gradients of.
  void OptimiseOnePass(const Batch& batch, const at::Tensor& of_others);
  // Sums over ranks, checked to be finite before anything is updated.
  StepResult Agree(const Objective::Losses& losses, const Batch& batch);
  bool alone() const { return model_.communicator().size() == 1; }

  recommender::ShardedModel& model_;
  Objective& objective_;
  StepRules rules_;
  int64_t first_trained_ =
      0;  // offset of the first dense parameter that trains: the trained ones are a suffix
  std::unique_ptr<optim::DenseOptimiser> dense_optimiser_;
  std::unique_ptr<optim::RowOptimiser> row_optimiser_;  // null when the table is frozen
  OnePass* one_pass_;                                   // the objective's; null: by autograd
  std::optional<Batch> prepared_;                       // the next batch
  std::vector<const float*> row_pointers_;
  StepTimes times_;
};

}  // namespace ppr::train
