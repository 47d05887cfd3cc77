// The contrastive loss over the global batch: each rank scores its users against the views of all ranks.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <numeric>

#include "base/errors.h"
#include "model/losses.h"

namespace ppr::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// How the global batch lies over the ranks.
struct Shares {
  std::vector<int64_t> counts;  // [W] users of each rank
  bool views_need_gradient;     // on any rank; then all take part in the backward pass
};

Shares GatherShares(dist::Communicator& communicator, const at::Tensor& views) {
  const bool needs = views.requires_grad() && at::GradMode::is_enabled();
  const at::Tensor mine = at::tensor({views.size(0), static_cast<int64_t>(needs)}, at::kLong);
  at::Tensor all = at::empty({2 * communicator.size()}, at::kLong);
  communicator.AllGather(mine, all);
  Shares shares{{}, false};
  for (int rank = 0; rank < communicator.size(); ++rank) {
    shares.counts.push_back(all[2 * rank].item<int64_t>());
    shares.views_need_gradient |= all[2 * rank + 1].item<int64_t>() != 0;
  }
  return shares;
}

// The views of all ranks in rank order [N, d]; backward gives each rank the sum of all ranks' gradients of
// its own views.
class GatherViewsFunction : public torch::autograd::Function<GatherViewsFunction> {
 public:
  static Variable forward(AutogradContext* context, const Variable& views, dist::Communicator* communicator,
                          const std::vector<int64_t>& counts) {
    context->saved_data["counts"] = counts;
    context->saved_data["communicator"] = reinterpret_cast<int64_t>(communicator);
    const int64_t total = std::accumulate(counts.begin(), counts.end(), int64_t{0});
    at::Tensor all = at::empty({total, views.size(1)}, views.options());
    communicator->AllGatherV(views.contiguous(), all, counts);
    return all;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    auto& communicator = *reinterpret_cast<dist::Communicator*>(context->saved_data["communicator"].toInt());
    const std::vector<int64_t> counts = context->saved_data["counts"].toIntVector();
    const at::Tensor& gradient = gradients[0];  // [N, d] of all views, from this rank's users
    // Reduce-scatter deals equal shares: each rank's is padded with zeros to the largest.
    const int64_t share = *std::max_element(counts.begin(), counts.end());
    const int64_t width = gradient.size(1);
    const auto world_size = static_cast<int64_t>(counts.size());
    at::Tensor padded = at::zeros({world_size, share, width}, gradient.options());
    int64_t first = 0;
    for (int64_t rank = 0; rank < world_size; ++rank) {
      const int64_t count = counts[static_cast<size_t>(rank)];
      padded.select(0, rank).narrow(0, 0, count).copy_(gradient.narrow(0, first, count));
      first += count;
    }
    at::Tensor mine = at::empty({share, width}, gradient.options());
    communicator.ReduceScatter(padded.view({world_size * share, width}), mine);
    return {mine.narrow(0, 0, counts[static_cast<size_t>(communicator.rank())]), at::Tensor(), at::Tensor()};
  }
};

// Rows scaled to length 1; a row of zeros stays one and gets no gradient.
at::Tensor UnitRows(const at::Tensor& rows) {
  const at::Tensor squares = rows.square().sum(1, /*keepdim=*/true);  // [b, 1]
  const at::Tensor is_zero = squares.eq(0);
  return rows * at::rsqrt(squares.masked_fill(is_zero, 1)) * is_zero.logical_not().to(rows.scalar_type());
}

}  // namespace

at::Tensor ContrastiveLossSum(dist::Communicator& communicator, const at::Tensor& originals,
                              const at::Tensor& views, double temperature) {
  PPR_BUG_IF_NOT(originals.dim() == 2 && originals.sizes() == views.sizes(),
                 "originals and views are not both [b, d]");
  PPR_BUG_IF_NOT(temperature > 0,
                 "contrastive temperature " + std::to_string(temperature) + " is not positive");
  const Shares shares = GatherShares(communicator, views);
  at::Tensor own_views = views;
  if (shares.views_need_gradient && !views.requires_grad()) {
    // Some other rank's views have a gradient: this rank's graph needs the collective backward step as well.
    own_views = views.detach().set_requires_grad(true);
  }
  const at::Tensor all_views =
      GatherViewsFunction::apply(UnitRows(own_views), &communicator, shares.counts);       // [N, d]
  const at::Tensor logits = at::matmul(UnitRows(originals), all_views.t()) / temperature;  // [b, N]
  const int64_t users = originals.size(0);
  const auto counts_before = shares.counts.begin() + communicator.rank();
  const int64_t first_positive = std::accumulate(shares.counts.begin(), counts_before, int64_t{0});
  const at::Tensor positives = logits.narrow(1, first_positive, users).diagonal();  // [b]
  return at::logsumexp(logits, 1).sum() - positives.sum();
}

}  // namespace ppr::model
