// Memory of the fused kernels that is kept from batch to batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace ppr::model::fused {

// Kernels may read a whole cache line past the end of a matrix.
inline constexpr int64_t kLineFloats = 16;

// A buffer of at least `floats` (and a line), the old one when it is large enough; contents are undefined.
float* Reserve(at::Tensor& buffer, int64_t floats);
// `tensor` with this shape; its memory grows and never shrinks, and ends with a line.
void Reshape(at::Tensor& tensor, at::IntArrayRef shape);

}  // namespace ppr::model::fused
