// One optimisation step over a global batch: exchange of rows, forward, loss, backward, exchange of
// gradients, Adam.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "data/batches.h"
#include "data/negatives.h"
#include "model/fused/fused_encoder.h"
#include "model/gather_rows.h"
#include "train/recommender.h"
#include "train/step_rules.h"
#include "train/step_times.h"

namespace ppr::train {

class OnePass;

// A batch to come: its global sequences, the same on all ranks. `sequences` must stay valid during the call.
struct Upcoming {
  int64_t epoch = 0, step = 0;
  std::span<const data::TrainingSequence> sequences;
};

class TrainingStep {
 public:
  // All must outlive this. Frozen parameters are frozen here. The recommender's compute path is fixed from
  // here on.
  TrainingStep(Recommender& recommender, const data::Dataset& dataset, const data::NegativeSampler& negatives,
               const StepRules& rules);
  ~TrainingStep();

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

  DenseAdam& dense_adam() { return dense_adam_; }
  RowAdam* row_adam() { return row_adam_ ? &*row_adam_ : nullptr; }  // null when the table is frozen
  int64_t trained_parameters() const;                                // over all ranks, rows included
  StepTimes& times() { return times_; }

 private:
  // This rank's share of a global batch, and who sends which rows to whom for it.
  struct Batch {
    int64_t epoch = 0, step = 0;
    int64_t global_users = 0, global_targets = 0;
    PackedBatch packed;
    std::vector<int64_t> row_of_id;  // of each needed id, the row among the plan's
    dist::ExchangePlan plan;
    model::RowOccurrences
        occurrences;  // of the plan's rows in row_of_id; for the one pass, unless rows are frozen
  };
  struct PendingBatch {
    Batch batch;
    dist::PendingPlan plan;
  };
  struct Losses {
    at::Tensor total;  // scaled, what backward starts from
    double loss_sum = 0, contrastive_sum = 0;
    bool finite = true;
  };
  PendingBatch Begin(const Upcoming& upcoming);
  Batch Finish(PendingBatch pending);
  PackedBatch Pack(const Upcoming& upcoming) const;
  // Forward and backward: dense gradients land in the flat buffer, row gradients in `row_gradients` [U, d]
  // or, on the fused path, in one_pass_.
  Losses ComputeGradients(const Batch& batch, const at::Tensor& rows, const model::SideWork& meanwhile,
                          at::Tensor* row_gradients);
  Losses ComputeByAutograd(const Batch& batch, const at::Tensor& rows);
  at::Tensor NextItemSum(const Batch& batch, const at::Tensor& users, const at::Tensor& rows) const;
  at::Tensor ContrastiveSum(const PackedBatch& packed, const Recommender::Encoded& encoded);
  // Sends row gradients to their owners. Returns their sums over ranks for the slots touched here; on the
  // fused path the others' parts alone, which Optimise adds to this rank's own.
  at::Tensor ExchangeRowGradients(const Batch& batch, const at::Tensor& row_gradients);
  void PointAtRows(const dist::ExchangePlan& plan, const at::Tensor& others);
  void Optimise(const Batch& batch, const at::Tensor& row_gradients);
  // Sums over ranks, checked to be finite before anything is updated.
  StepResult Agree(const Losses& losses, const Batch& batch);
  bool alone() const { return recommender_.communicator().size() == 1; }

  Recommender& recommender_;
  const data::Dataset& dataset_;
  const data::NegativeSampler& negatives_;
  StepRules rules_;
  std::vector<View> augmented_;
  int64_t first_trained_ =
      0;  // offset of the first dense parameter that trains: the trained ones are a suffix
  DenseAdam dense_adam_;
  std::optional<RowAdam> row_adam_;
  std::unique_ptr<OnePass> one_pass_;  // null when the loss needs the whole batch, and on the reference path
  std::optional<Batch> prepared_;      // the next batch
  std::vector<const float*> row_pointers_;
  StepTimes times_;
};

}  // namespace ppr::train
