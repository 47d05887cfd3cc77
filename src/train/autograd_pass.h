// Gradients by autograd: an objective gives the differentiable loss of a packed batch, and this runs it
// backward to the dense parameters and to the rows.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "recommender/sharded_model.h"
#include "train/gradient_pass.h"

namespace ppr::train {

class AutogradPass : public GradientPass {
 public:
  // What the loss is made of.
  struct Inputs {
    BatchCounts counts;
    const at::Tensor& rows;                 // [U, d] distinct rows of ids()
    const std::vector<int64_t>& row_of_id;  // of each of ids(), its row
    const at::Tensor& shard;  // [S, d] this rank's part of the table; undefined unless it is read whole
  };
  struct Loss {
    at::Tensor total;          // what backward starts from: scaled by the global counts
    double loss_sum = 0;       // of BatchLosses
    double auxiliary_sum = 0;  // of BatchLosses
  };
  // Differentiable in rows, shard and parameters. Collective where the loss spans the global batch.
  using Forward = std::function<Loss(const Inputs&)>;

  // Which rows have gradients.
  struct Rows {
    bool trained = true;
    bool whole_table = false;  // the loss has a gradient for every row, besides those of ids()
  };

  // `model` must outlive this, and so must what `forward` refers to.
  AutogradPass(recommender::ShardedModel& model, std::vector<int64_t> ids, Rows rows, Forward forward);

  void PlaceIds(std::vector<int64_t> row_of_id, int64_t rows) override;
  dist::PendingRows BeginFetch(const dist::ExchangePlan& plan) override;
  BatchLosses Compute(const BatchCounts& counts, const dist::ExchangePlan& plan, const at::Tensor& fetched,
                      const model::SideWork& meanwhile) override;
  RowGradients ReturnRowGradients(const dist::ExchangePlan& plan, StepTimes& times) override;

 private:
  recommender::ShardedModel& model_;
  const Rows rows_;
  const Forward forward_;
  std::vector<int64_t> row_of_id_;
  // What autograd leaves of rows: [U, d] of the fetched ones, and [S, d] of the whole shard when it is read.
  at::Tensor of_fetched_, of_shard_;
};

}  // namespace ppr::train
