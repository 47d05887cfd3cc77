#include "model/nt_xent_loss.h"

#include <ATen/ATen.h>

#include <limits>
#include <string>

#include "base/errors.h"
#include "model/gathered_rows.h"
#include "model/unit_rows.h"

namespace ppr::model {

at::Tensor NtXentLossSum(dist::Communicator& communicator, const at::Tensor& first, const at::Tensor& second,
                         double temperature, Similarity similarity) {
  PPR_BUG_IF_NOT(first.dim() == 2 && first.sizes() == second.sizes(), "the two views are not both [b, d]");
  PPR_BUG_IF_NOT(temperature > 0, "NT-Xent temperature " + std::to_string(temperature) + " is not positive");
  const int64_t users = first.size(0);
  const at::Tensor raw = at::cat({first, second}, 0);  // [2b, d]: anchor i's positive is anchor (i + b) % 2b
  const at::Tensor anchors = similarity == Similarity::kCosine ? UnitRows(raw) : raw;
  const GatheredRows all = GatherRowsOfRanks(communicator, anchors);          // [2B, d]
  const at::Tensor logits = at::matmul(anchors, all.rows.t()) / temperature;  // [2b, 2B]
  const at::Tensor own = logits.narrow(1, all.shares.first, 2 * users);       // [2b, 2b]
  const at::Tensor positives = own.diagonal(users).sum() + own.diagonal(-users).sum();
  const at::Tensor itself = at::zeros(logits.sizes(), logits.options().dtype(at::kBool));
  itself.narrow(1, all.shares.first, 2 * users).fill_diagonal_(true);
  const at::Tensor others = logits.masked_fill(itself, -std::numeric_limits<double>::infinity());
  return at::logsumexp(others, 1).sum() - positives;
}

}  // namespace ppr::model
