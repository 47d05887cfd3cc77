// Learning rates to search: "1e-4" for all parameters, "1e-4/1e-3" for pre-trained and new ones.
#pragma once

#include <string>
#include <vector>

namespace ppr::experiment {

// As a person wrote them, so that flags and reports show the same text.
struct LearningRate {
  std::string pretrained, fresh;

  std::string ToText() const;  // "1e-4", or "1e-4/1e-3"
  bool operator==(const LearningRate&) const = default;
};

// Problems name `flag`.
std::vector<LearningRate> ParseLearningRates(const std::string& text, const std::string& flag,
                                             std::vector<std::string>& problems);
// Rates of new parameters alone, each once: for models in which nothing else trains.
std::vector<LearningRate> FreshOnly(const std::vector<LearningRate>& rates);

// The place of the rate with the best mean over seeds of the validation value; values[rate][seed], higher is
// better. Rates without any value are passed over; of equals the first; -1 when there is no value at all.
int BestRate(const std::vector<std::vector<double>>& values);

}  // namespace ppr::experiment
