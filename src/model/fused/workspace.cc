#include "model/fused/workspace.h"

#include <ATen/ATen.h>

namespace ppr::model::fused {

float* Reserve(at::Tensor& buffer, int64_t floats) {
  if (!buffer.defined() || buffer.numel() < floats + kLineFloats) {
    buffer = at::empty({floats + kLineFloats}, at::kFloat);
  }
  return buffer.mutable_data_ptr<float>();
}

void Reshape(at::Tensor& tensor, at::IntArrayRef shape) {
  if (!tensor.defined()) tensor = at::empty({0}, at::kFloat);
  tensor.resize_({c10::multiply_integers(shape) + kLineFloats});
  tensor.resize_(shape);
}

}  // namespace ppr::model::fused
