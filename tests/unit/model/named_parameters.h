// Dense parameters by name, for tests of models that declare them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "model/dense_parameters.h"

namespace ppr::test {

inline at::Tensor ParameterNamed(const model::DenseParameters& parameters, const std::string& name) {
  for (size_t i = 0; i < parameters.parameters().size(); ++i) {
    if (parameters.parameters()[i].name == name) return parameters[static_cast<int>(i)];
  }
  ADD_FAILURE() << "no parameter " << name;
  return at::Tensor();
}

// All of them with their names, as ExpectGradientsMatchDifferences takes them.
inline std::vector<std::pair<std::string, at::Tensor>> AllParameters(
    const model::DenseParameters& parameters) {
  std::vector<std::pair<std::string, at::Tensor>> all;
  for (size_t i = 0; i < parameters.parameters().size(); ++i) {
    all.emplace_back(parameters.parameters()[i].name, parameters[static_cast<int>(i)]);
  }
  return all;
}

}  // namespace ppr::test
