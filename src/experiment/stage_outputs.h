// What stages leave behind for others to read: summary.json, metrics.json and values per user.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ppr::experiment {

// summary.json of a training stage.
struct TrainingSummary {
  std::optional<double>
      best_value;  // of the validation metric; higher is better; none: nothing was validated
  double trained_parameters = 0, pretrained_parameters = 0, new_parameters = 0, generator_parameters = 0;
};

// `folder` is the stage's output. DataError names file, field, expected and found.
TrainingSummary ReadTrainingSummary(const std::string& folder);

// Metrics of metrics.json by their names there, without the number of cases: section "stored_candidates" or
// "profile".
std::map<std::string, double> ReadMetrics(const std::string& folder, const std::string& section);

using UserValues = std::map<std::string, double>;  // by user id

// Of cases.tsv: a metric's mean over the cases of each user.
std::map<std::string, UserValues> ReadUserMeans(const std::string& folder,
                                                const std::vector<std::string>& metrics);
// Of predictions.tsv: 1 where the label was predicted, else 0.
UserValues ReadCorrectPredictions(const std::string& folder);

}  // namespace ppr::experiment
