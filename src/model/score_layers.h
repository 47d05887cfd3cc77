// Fully connected layers that end in one score, as MeLU and MiNet have on top.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/dense_parameters.h"

namespace ppr::model {

// Parameter indices, a layer each; weights are [in, out].
struct ScoreLayers {
  std::vector<int> weights, biases;
};

// Declares "<owner>.layer<l>.{weight,bias}" under kPretrained: in -> hidden widths -> 1.
ScoreLayers AddScoreLayers(const std::string& owner, int64_t in, const std::vector<int64_t>& hidden_widths,
                           DenseParameters& parameters);

}  // namespace ppr::model
