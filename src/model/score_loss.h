// The next-item losses of scores that are at hand, for models whose score is not a product of two vectors.
#pragma once

#include <ATen/core/Tensor.h>

#include "model/losses/registry.h"

namespace ppr::model {

// Scores of clicked items and of sampled negatives, of shapes that broadcast; the loss of each pair, both of
// its terms where it has two. BugError for a loss that does not score pairs (NextItemLossFacts).
at::Tensor PairLosses(NextItemLoss kind, const at::Tensor& clicked, const at::Tensor& negatives);

// scores [B, 1 + K], the clicked item's first. Returns the scalar sum over B, each the mean over its K >= 1
// negatives: what NextItemLossSum is of products.
at::Tensor CandidateLossSum(NextItemLoss kind, const at::Tensor& scores);

}  // namespace ppr::model
