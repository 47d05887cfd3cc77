#include "model/score_loss.h"

#include <ATen/ATen.h>

#include "base/errors.h"

namespace ppr::model {

at::Tensor PairLosses(NextItemLoss kind, const at::Tensor& clicked, const at::Tensor& negatives) {
  if (kind == NextItemLoss::kBpr) return -at::log_sigmoid(clicked - negatives);
  return -at::log_sigmoid(clicked) - at::log_sigmoid(-negatives);
}

at::Tensor CandidateLossSum(NextItemLoss kind, const at::Tensor& scores) {
  PPR_BUG_IF_NOT(scores.dim() == 2 && scores.size(1) >= 2, "scores are not [B, 1 + K] with K >= 1");
  const int64_t num_negatives = scores.size(1) - 1;
  return PairLosses(kind, scores.narrow(1, 0, 1), scores.narrow(1, 1, num_negatives)).mean(1).sum();
}

}  // namespace ppr::model
