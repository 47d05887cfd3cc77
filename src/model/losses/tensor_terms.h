// The terms of losses (terms.h) on tensors: autograd differentiates them, and the derivatives that the terms
// state stay undefined. So the reference checks those.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/log_sigmoid.h>

namespace ppr::model {

struct TensorTerms {
  using Floats = at::Tensor;
  static at::Tensor Sub(const at::Tensor& a, const at::Tensor& b) { return a - b; }
  static at::Tensor Negate(const at::Tensor& x) { return x.defined() ? -x : x; }
  static at::Tensor Times(const at::Tensor& x, double factor) { return x.defined() ? x * factor : x; }
  static at::Tensor Softplus(const at::Tensor& x, at::Tensor& /*derivative*/) { return -at::log_sigmoid(-x); }
};

}  // namespace ppr::model
