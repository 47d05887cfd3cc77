// The contrastive loss over the global batch: each rank scores its users against the views of all ranks.
#include <ATen/ATen.h>

#include "base/errors.h"
#include "model/gathered_rows.h"
#include "model/losses.h"
#include "model/unit_rows.h"

namespace ppr::model {

at::Tensor ContrastiveLossSum(dist::Communicator& communicator, const at::Tensor& originals,
                              const at::Tensor& views, double temperature) {
  PPR_BUG_IF_NOT(originals.dim() == 2 && originals.sizes() == views.sizes(),
                 "originals and views are not both [b, d]");
  PPR_BUG_IF_NOT(temperature > 0,
                 "contrastive temperature " + std::to_string(temperature) + " is not positive");
  const GatheredRows all_views = GatherRowsOfRanks(communicator, UnitRows(views));              // [N, d]
  const at::Tensor logits = at::matmul(UnitRows(originals), all_views.rows.t()) / temperature;  // [b, N]
  const at::Tensor positives = logits.narrow(1, all_views.shares.first, originals.size(0)).diagonal();  // [b]
  return at::logsumexp(logits, 1).sum() - positives.sum();
}

}  // namespace ppr::model
