// Prediction of a profile value from a user's clicks and other profile values (paper 4.9.2): who is asked,
// what the model answers on all ranks, and how good the answers are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "recommender/recommender.h"

namespace ppr::recommender {

// The field that is predicted. Class c is the field's code c + 1; a user without a value is in no class.
struct PredictedField {
  std::string name;
  int64_t column = -1;
  int64_t classes = 0;
};
// ConfigError with the nearest name for an unknown field; DataError for one with fewer than two values.
PredictedField FindPredictedField(const data::Dataset& dataset, const std::string& name);
// Those of `users` that have a value, in their order.
std::vector<int32_t> UsersWithValue(const data::Dataset& dataset, const std::vector<int32_t>& users,
                                    const PredictedField& field);

struct ProfilePredictions {
  std::vector<int32_t> users;
  std::vector<int64_t> labels, predicted;  // classes
  double mean_log_probability = 0;         // of the true class
};
// Collective. The model's most probable class for each of `users`, who all have a value, from all clicks that
// the dataset knows of them. The same on every rank, for any number of ranks.
ProfilePredictions PredictProfiles(Recommender& recommender, const data::Dataset& dataset,
                                   const std::vector<int32_t>& users, const PredictedField& field,
                                   int64_t batch_users = 512);

struct ClassificationMetrics {
  int64_t cases = 0;
  double accuracy = 0, precision = 0, recall = 0, f1 = 0;
};
// Of two classes: precision, recall and F1 of `positive`. Of more: their unweighted means over the classes
// that are labels or predictions of some user. A quotient of nothing counts as 0.
ClassificationMetrics MetricsOf(const std::vector<int64_t>& labels, const std::vector<int64_t>& predicted,
                                int64_t classes, int64_t positive);
// The class that the fewest users of the dataset have, the lower one of equals: the positive one of two.
int64_t RarestClass(const data::Dataset& dataset, const PredictedField& field);

// predictions.tsv: user, label, predicted, as texts. Whole or not there.
void WritePredictions(const std::string& path, const data::Dataset& dataset, const PredictedField& field,
                      const ProfilePredictions& predictions);

}  // namespace ppr::recommender
