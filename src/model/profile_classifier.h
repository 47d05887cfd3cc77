// Predicts a profile value from a user vector: a linear layer and softmax (paper 4.9.2).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "model/dense_parameters.h"

namespace ppr::model {

class ProfileClassifier {
 public:
  // Declares "classifier.*" under ParameterGroup::kNew; weights start normal, biases at 0. `parameters` must
  // outlive this.
  ProfileClassifier(int64_t width, int64_t classes, DenseParameters& parameters);

  // users [B, d] -> log-probabilities [B, C].
  at::Tensor LogProbabilities(const at::Tensor& users) const;
  // Cross-entropy, the sum over users: users [B, d], labels [B] int64 in [0, C). B = 0 gives 0.
  at::Tensor LossSum(const at::Tensor& users, const at::Tensor& labels) const;

  int64_t classes() const { return classes_; }

 private:
  int64_t classes_;
  int weight_, bias_;
  const DenseParameters& parameters_;
};

}  // namespace ppr::model
