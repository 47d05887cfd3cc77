// Cross-entropy over the whole catalogue on the sharded item table: what BERT4Rec trains with.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "dist/communicator.h"
#include "dist/owner_map.h"

namespace ppr::model {

struct CatalogueSoftmaxOptions {
  double scale = 1;  // logit = scale * user . row
  // Scores exist for this many users and rows at a time: 2 MB in float32, which stays in the cache.
  int64_t tile_users = 256;
  int64_t tile_rows = 2048;
};

// users [n, d]: the vectors of this rank's targets, n >= 0; positives [n] int64: the clicked id of each, in
// 1..V; shard_rows [S, d]: the rows this rank keeps, at their slots. Returns this rank's scalar sum over its
// n targets of log sum_v exp(logit_v) - logit_positive, v over all V items. Differentiable in users and
// shard_rows (every row gets a gradient, dense [S, d]).
//
// Collective, forward and backward: all ranks' users are gathered, each rank scores its own rows tile by
// tile, and the sums over the catalogue are all-reduced; backward scores again, and takes the users'
// gradients back to their ranks. Every rank must run backward, one with n = 0 too, with an equal gradient of
// the loss: a row's gradient is summed over the targets of all ranks, and scaled by that of its owner. It is
// so where every rank divides by the global number of targets. The communicator must outlive the backward
// pass.
at::Tensor CatalogueSoftmaxLossSum(dist::Communicator& communicator, const dist::OwnerMap& owners,
                                   const at::Tensor& users, const at::Tensor& positives,
                                   const at::Tensor& shard_rows, const CatalogueSoftmaxOptions& options = {});

}  // namespace ppr::model
