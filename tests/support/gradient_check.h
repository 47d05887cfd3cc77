// Gradients against central finite differences in double precision, and reproducible test tensors.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"

namespace ppr::test {

// Standard normal numbers of `shape` in float64; the same for the same seed.
inline at::Tensor NormalTensor(std::vector<int64_t> shape, uint64_t seed) {
  at::Tensor values = at::empty(shape, at::kDouble);
  const RandomKey key = MakeRandomKey(seed, RandomSite::kTest);
  double* const data = values.mutable_data_ptr<double>();
  for (int64_t i = 0; i < values.numel(); ++i) data[i] = key.Normal(static_cast<uint64_t>(i));
  return values;
}

// The same, as a variable that gradients are taken of.
inline at::Tensor NormalVariable(std::vector<int64_t> shape, uint64_t seed) {
  return NormalTensor(std::move(shape), seed).set_requires_grad(true);
}

// A scalar that depends on every element of `output` with a weight of its own.
inline at::Tensor WeightedSum(const at::Tensor& output, uint64_t seed = 77) {
  return (output * NormalTensor(output.sizes().vec(), seed)).sum();
}

inline double LargestDifference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return a.numel() == 0 ? 0 : (a.detach() - b.detach()).abs().max().item<double>();
}

// Every element of every variable (contiguous float64) is moved by +-step. With step 1e-5 the formula's own
// error is about step^2 = 1e-10 and the rounding of two losses of order 1 to 100 about 1e-16 * 100 / 1e-5 =
// 1e-9, times derivatives of order 1: hence a tolerance of 1e-7 of the largest gradient.
inline void ExpectGradientsMatchDifferences(
    const std::function<at::Tensor()>& loss,
    const std::vector<std::pair<std::string, at::Tensor>>& variables) {
  constexpr double kStep = 1e-5;
  const int threads_before = at::get_num_threads();
  at::set_num_threads(1);  // the tensors are tiny: threads would only wait for each other
  std::vector<at::Tensor> inputs;
  for (const auto& [name, variable] : variables) inputs.push_back(variable);
  const std::vector<at::Tensor> gradients = torch::autograd::grad({loss()}, inputs);
  const at::NoGradGuard no_grad;
  for (size_t v = 0; v < variables.size(); ++v) {
    const at::Tensor analytic = gradients[v].contiguous();
    const double tolerance =
        1e-7 * std::max(1.0, analytic.numel() == 0 ? 0.0 : analytic.abs().max().item<double>());
    double* const values = inputs[v].data_ptr<double>();
    for (int64_t e = 0; e < inputs[v].numel(); ++e) {
      const double before = values[e];
      values[e] = before + kStep;
      const double above = loss().item<double>();
      values[e] = before - kStep;
      const double below = loss().item<double>();
      values[e] = before;
      EXPECT_NEAR(analytic.view(-1)[e].item<double>(), (above - below) / (2 * kStep), tolerance)
          << variables[v].first << "[" << e << "]";
    }
  }
  at::set_num_threads(threads_before);
}

}  // namespace ppr::test
