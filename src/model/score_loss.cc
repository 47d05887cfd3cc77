#include "model/score_loss.h"

#include <ATen/ATen.h>

#include <string>

#include "base/errors.h"
#include "model/losses/tensor_terms.h"

namespace ppr::model {

at::Tensor PairLosses(NextItemLoss kind, const at::Tensor& clicked, const at::Tensor& negatives) {
  return WithLoss(kind, [&](auto loss) -> at::Tensor {
    using Loss = decltype(loss);
    if constexpr (!Loss::kFacts.scores_pairs) {
      throw BugError(std::string("the loss ") + Loss::kFacts.name + " does not score pairs");
    } else {
      at::Tensor derivative;
      const at::Tensor of_pair = loss.template Negative<TensorTerms>(clicked, negatives, derivative);
      if constexpr (!Loss::kScoresPositive)
        return of_pair;
      else
        return loss.template Positive<TensorTerms>(clicked, derivative) + of_pair;
    }
  });
}

at::Tensor CandidateLossSum(NextItemLoss kind, const at::Tensor& scores) {
  PPR_BUG_IF_NOT(scores.dim() == 2 && scores.size(1) >= 2, "scores are not [B, 1 + K] with K >= 1");
  const int64_t num_negatives = scores.size(1) - 1;
  return PairLosses(kind, scores.narrow(1, 0, 1), scores.narrow(1, 1, num_negatives)).mean(1).sum();
}

}  // namespace ppr::model
