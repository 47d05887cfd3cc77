#include "model/score_layers.h"

namespace ppr::model {

ScoreLayers AddScoreLayers(const std::string& owner, int64_t in, const std::vector<int64_t>& hidden_widths,
                           DenseParameters& parameters) {
  using Init = DenseParameters::Init;
  std::vector<int64_t> widths{in};
  widths.insert(widths.end(), hidden_widths.begin(), hidden_widths.end());
  widths.push_back(1);
  ScoreLayers layers;
  for (size_t layer = 0; layer + 1 < widths.size(); ++layer) {
    const std::string name = owner + ".layer" + std::to_string(layer);
    layers.weights.push_back(parameters.Add(name + ".weight", {widths[layer], widths[layer + 1]},
                                            ParameterGroup::kPretrained, Init::kFanIn));
    layers.biases.push_back(
        parameters.Add(name + ".bias", {widths[layer + 1]}, ParameterGroup::kPretrained, Init::kZeros));
  }
  return layers;
}

}  // namespace ppr::model
