#include "model/gathered_rows.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <numeric>

#include "base/errors.h"

namespace ppr::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

class GatherRowsOfRanksFunction : public torch::autograd::Function<GatherRowsOfRanksFunction> {
 public:
  static Variable forward(AutogradContext* context, const Variable& rows, dist::Communicator* communicator,
                          const std::vector<int64_t>& counts) {
    context->saved_data["counts"] = counts;
    context->saved_data["communicator"] = reinterpret_cast<int64_t>(communicator);
    const int64_t total = std::accumulate(counts.begin(), counts.end(), int64_t{0});
    at::Tensor all = at::empty({total, rows.size(1)}, rows.options());
    communicator->AllGatherV(rows.contiguous(), all, counts);
    return all;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    auto& communicator = *reinterpret_cast<dist::Communicator*>(context->saved_data["communicator"].toInt());
    const std::vector<int64_t> counts = context->saved_data["counts"].toIntVector();
    return {SumToOwners(communicator, gradients[0], counts), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

int64_t RowShares::total() const { return std::accumulate(counts.begin(), counts.end(), int64_t{0}); }

RowShares ShareOfEachRank(dist::Communicator& communicator, const at::Tensor& rows) {
  const bool needs = rows.requires_grad() && at::GradMode::is_enabled();
  const at::Tensor mine = at::tensor({rows.size(0), static_cast<int64_t>(needs)}, at::kLong);
  at::Tensor all = at::empty({2 * communicator.size()}, at::kLong);
  communicator.AllGather(mine, all);
  RowShares shares;
  for (int rank = 0; rank < communicator.size(); ++rank) {
    const auto count = all[2 * rank].item<int64_t>();
    if (rank < communicator.rank()) shares.first += count;
    shares.counts.push_back(count);
    shares.need_gradient |= all[2 * rank + 1].item<int64_t>() != 0;
  }
  return shares;
}

at::Tensor RowsThatTakePart(const at::Tensor& rows, const RowShares& shares) {
  if (!shares.need_gradient || rows.requires_grad()) return rows;
  return rows.detach().set_requires_grad(true);
}

GatheredRows GatherRowsOfRanks(dist::Communicator& communicator, const at::Tensor& rows) {
  PPR_BUG_IF_NOT(rows.dim() == 2, "rows to gather from the ranks are not [b, d]");
  RowShares shares = ShareOfEachRank(communicator, rows);
  at::Tensor all =
      GatherRowsOfRanksFunction::apply(RowsThatTakePart(rows, shares), &communicator, shares.counts);
  return {std::move(all), std::move(shares)};
}

at::Tensor SumToOwners(dist::Communicator& communicator, const at::Tensor& all,
                       const std::vector<int64_t>& counts) {
  // Reduce-scatter deals equal shares: each rank's is padded with zeros to the largest.
  const int64_t share = *std::max_element(counts.begin(), counts.end());
  const int64_t width = all.size(1);
  const auto world_size = static_cast<int64_t>(counts.size());
  at::Tensor padded = at::zeros({world_size, share, width}, all.options());
  int64_t first = 0;
  for (int64_t rank = 0; rank < world_size; ++rank) {
    const int64_t count = counts[static_cast<size_t>(rank)];
    padded.select(0, rank).narrow(0, 0, count).copy_(all.narrow(0, first, count));
    first += count;
  }
  at::Tensor mine = at::empty({share, width}, all.options());
  communicator.ReduceScatter(padded.view({world_size * share, width}), mine);
  return mine.narrow(0, 0, counts[static_cast<size_t>(communicator.rank())]);
}

}  // namespace ppr::model
