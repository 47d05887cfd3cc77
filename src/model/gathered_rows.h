// The rows of all ranks in one tensor, for losses over the global batch; their gradients travel back to the
// ranks that own them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "dist/communicator.h"

namespace ppr::model {

// How the rows of the global batch lie over the ranks.
struct RowShares {
  std::vector<int64_t> counts;  // [W] rows of each rank
  int64_t first = 0;            // place of this rank's first row among all
  bool need_gradient = false;   // on any rank; then all take part in the backward pass

  int64_t total() const;
};

// Collective: what each rank holds of `rows` [b, ...], b >= 0.
RowShares ShareOfEachRank(dist::Communicator& communicator, const at::Tensor& rows);

// `rows`, or a leaf of the same values that requires a gradient when another rank's rows do and these do not:
// for this rank's graph to reach the collective part of the backward pass too.
at::Tensor RowsThatTakePart(const at::Tensor& rows, const RowShares& shares);

struct GatheredRows {
  at::Tensor rows;  // [N, d] of all ranks, in rank order
  RowShares shares;
};

// Collective, forward (all-gather) and backward: rows [b, d], each rank with its own b >= 0. Backward gives
// each rank the sum of all ranks' gradients of its own rows; every rank must run it, one with b = 0 too. The
// communicator must outlive the backward pass.
GatheredRows GatherRowsOfRanks(dist::Communicator& communicator, const at::Tensor& rows);

// Collective: this rank's rows [b, d] of the sum over ranks of `all` [N, d], laid out as `counts` says.
at::Tensor SumToOwners(dist::Communicator& communicator, const at::Tensor& all,
                       const std::vector<int64_t>& counts);

}  // namespace ppr::model
