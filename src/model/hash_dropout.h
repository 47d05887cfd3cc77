// Dropout whose mask is a function of (token key, site, lane): the same for any number of ranks, threads or
// batch order, and nothing to store.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace ppr::model {

// input [T, d]; token_keys [T] int64. Kept elements are scaled by DropoutScale, others are 0. rate in [0, 1).
// Differentiable; the backward pass draws the mask again.
at::Tensor HashDropout(const at::Tensor& input, const at::Tensor& token_keys, uint64_t site, double rate);
// residual + HashDropout(branch), [T, d] all, in one pass.
at::Tensor AddHashDropout(const at::Tensor& residual, const at::Tensor& branch, const at::Tensor& token_keys,
                          uint64_t site, double rate);

// The oracle, and the way of other devices, in ATen operators: 1 where DropoutKeep, else 0, for keys [T]
// int64 and lanes [n] int64; returns [T, n] bool.
at::Tensor DropoutKeepTensor(const at::Tensor& token_keys, uint64_t site, const at::Tensor& lanes,
                             uint32_t threshold);

}  // namespace ppr::model
