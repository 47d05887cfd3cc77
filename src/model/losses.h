// Next-item losses and the contrastive loss. All return sums; the caller divides by global counts, so that
// the number of ranks does not change the model (docs/contracts.md, contract 1).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "dist/communicator.h"
#include "model/losses/registry.h"

namespace ppr::model {

// users [N, d]; rows [U, d]: compact table of fetched item rows; positives [N] int64 and negatives [N, K]
// int64 index rows; shifts [N, K], added to the negatives' scores, undefined = 0. Returns the scalar sum over
// N of the loss, one that has terms (losses/terms.h; BugError). Differentiable in users and rows; scores are
// never materialised as [N, K, d] products. N = 0 gives 0.
at::Tensor NextItemLossSum(const NextItemLossSpec& spec, const at::Tensor& users, const at::Tensor& rows,
                           const at::Tensor& positives, const at::Tensor& negatives,
                           const at::Tensor& shifts = {});

// The oracle, and the way of other devices, in ATen operators.
at::Tensor NextItemLossSumReference(const NextItemLossSpec& spec, const at::Tensor& users,
                                    const at::Tensor& rows, const at::Tensor& positives,
                                    const at::Tensor& negatives, const at::Tensor& shifts = {});

// The loss with negatives that all targets share, in ATen operators: rows `negatives` [K] int64; counts [N,
// K], 1 where negative k counts for target n, else 0; shifts [K] or undefined. A mean is over those that
// count; without any, negatives add 0.
at::Tensor SharedNegativeLossSum(const NextItemLossSpec& spec, const at::Tensor& users,
                                 const at::Tensor& rows, const at::Tensor& positives,
                                 const at::Tensor& negatives, const at::Tensor& counts,
                                 const at::Tensor& shifts = {});

// Paper Eq. 6 over the global batch. originals, views [b, d]: this rank's users and their augmented views;
// every rank calls it with its own b >= 0. Cosine similarity over `temperature`; the positive of user i is
// view i, the other views of all ranks are negatives. Returns this rank's scalar sum over its b users.
// Collective, forward (all-gather of views) and backward (reduce-scatter of their gradients to the ranks that
// own them): every rank must run backward, a rank with b = 0 too. A zero vector has similarity 0 to all and
// no gradient. The communicator must outlive the backward pass.
// Two windows of one user in a batch count as two users; a history within max_history has one window.
at::Tensor ContrastiveLossSum(dist::Communicator& communicator, const at::Tensor& originals,
                              const at::Tensor& views, double temperature);

}  // namespace ppr::model
