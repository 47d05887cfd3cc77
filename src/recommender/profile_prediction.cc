#include "recommender/profile_prediction.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "base/durable_file.h"
#include "base/errors.h"
#include "base/nearest_name.h"
#include "base/text_format.h"
#include "dist/dealt_rounds.h"

namespace ppr::recommender {
namespace {

int64_t ClassOf(const data::Dataset& dataset, int32_t user, const PredictedField& field) {
  return dataset.profile(user)[static_cast<size_t>(field.column)] - 1;
}

// Counts of one class.
struct ClassCounts {
  int64_t hits = 0, labels = 0, predictions = 0;
  bool seen() const { return labels + predictions > 0; }
};

double Quotient(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void AddClass(const ClassCounts& counts, double weight, ClassificationMetrics* metrics) {
  const double precision = Quotient(counts.hits, counts.predictions);
  const double recall = Quotient(counts.hits, counts.labels);
  metrics->precision += weight * precision;
  metrics->recall += weight * recall;
  metrics->f1 += weight * Quotient(2 * counts.hits, counts.labels + counts.predictions);
}

}  // namespace

PredictedField FindPredictedField(const data::Dataset& dataset, const std::string& name) {
  std::vector<std::string> known;
  for (const data::ProfileField& field : dataset.fields) known.push_back(field.name);
  const auto at = std::find(known.begin(), known.end(), name);
  if (at == known.end()) {
    throw ConfigError("predict_field: expected a profile field of " + dataset.path + ", found \"" + name +
                      "\"" + DidYouMean(name, known));
  }
  const int64_t column = at - known.begin();
  const auto values = static_cast<int64_t>(dataset.fields[static_cast<size_t>(column)].values.size());
  if (values < 3) {  // the first means missing
    throw DataError(dataset.path + ", field " + name + ": expected two values to tell apart, found " +
                    std::to_string(values - 1));
  }
  return {name, column, values - 1};
}

std::vector<int32_t> UsersWithValue(const data::Dataset& dataset, const std::vector<int32_t>& users,
                                    const PredictedField& field) {
  std::vector<int32_t> having;
  std::copy_if(users.begin(), users.end(), std::back_inserter(having),
               [&](int32_t user) { return ClassOf(dataset, user, field) >= 0; });
  return having;
}

ProfilePredictions PredictProfiles(Recommender& recommender, const data::Dataset& dataset,
                                   const std::vector<int32_t>& users, const PredictedField& field,
                                   int64_t batch_users) {
  const c10::NoGradGuard no_gradients;
  dist::Communicator& communicator = recommender.communicator();
  const auto count = static_cast<int64_t>(users.size());
  at::Tensor answers = at::zeros({count, 2}, at::kDouble);  // class, log-probability of the true one
  dist::DealInRounds(communicator, count, batch_users, [&](const std::vector<int64_t>& places) {
    std::vector<int64_t> labels;
    std::vector<ClickSequence> sequences;
    for (const int64_t place : places) {
      const int32_t user = users[static_cast<size_t>(place)];
      labels.push_back(ClassOf(dataset, user, field));
      sequences.push_back({user, 0, static_cast<int32_t>(dataset.history(user).size())});
    }
    const at::Tensor vectors = recommender.UserVectors(dataset, sequences);
    if (places.empty()) return;
    const at::Tensor log_probabilities = recommender.classifier()->LogProbabilities(vectors);
    const at::Tensor of_label =
        log_probabilities.gather(1, at::tensor(labels, at::kLong).unsqueeze(1)).squeeze(1);
    const at::Tensor answer =
        at::stack({log_probabilities.argmax(1).to(at::kDouble), of_label.to(at::kDouble)}, 1);
    answers.index_copy_(0, at::tensor(places, at::kLong), answer);
  });
  communicator.AllReduce(answers);  // each user was answered for by one rank, the others add 0

  ProfilePredictions predictions{.users = users};
  const double* answer = answers.const_data_ptr<double>();
  for (int64_t i = 0; i < count; ++i, answer += 2) {
    predictions.labels.push_back(ClassOf(dataset, users[static_cast<size_t>(i)], field));
    predictions.predicted.push_back(static_cast<int64_t>(answer[0]));
    predictions.mean_log_probability += answer[1] / static_cast<double>(count);
  }
  return predictions;
}

ClassificationMetrics MetricsOf(const std::vector<int64_t>& labels, const std::vector<int64_t>& predicted,
                                int64_t classes, int64_t positive) {
  PPR_BUG_IF_NOT(labels.size() == predicted.size(), "as many predictions as labels");
  std::vector<ClassCounts> counts(static_cast<size_t>(classes));
  int64_t hits = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    ++counts[static_cast<size_t>(labels[i])].labels;
    ++counts[static_cast<size_t>(predicted[i])].predictions;
    if (labels[i] != predicted[i]) continue;
    ++counts[static_cast<size_t>(labels[i])].hits;
    ++hits;
  }
  ClassificationMetrics metrics{.cases = static_cast<int64_t>(labels.size())};
  metrics.accuracy = Quotient(hits, metrics.cases);
  if (classes == 2) {
    AddClass(counts[static_cast<size_t>(positive)], 1, &metrics);
    return metrics;
  }
  const auto seen =
      std::count_if(counts.begin(), counts.end(), [](const ClassCounts& c) { return c.seen(); });
  for (const ClassCounts& of_class : counts) {
    if (of_class.seen()) AddClass(of_class, 1.0 / static_cast<double>(seen), &metrics);
  }
  return metrics;
}

int64_t RarestClass(const data::Dataset& dataset, const PredictedField& field) {
  std::vector<int64_t> users_of(static_cast<size_t>(field.classes), 0);
  for (int64_t user = 0; user < dataset.num_users(); ++user) {
    const int64_t of_user = ClassOf(dataset, static_cast<int32_t>(user), field);
    if (of_user >= 0) ++users_of[static_cast<size_t>(of_user)];
  }
  return std::min_element(users_of.begin(), users_of.end()) - users_of.begin();
}

void WritePredictions(const std::string& path, const data::Dataset& dataset, const PredictedField& field,
                      const ProfilePredictions& predictions) {
  const std::vector<std::string>& values = dataset.fields[static_cast<size_t>(field.column)].values;
  std::string text = "user\tlabel\tpredicted\n";
  for (size_t i = 0; i < predictions.users.size(); ++i) {
    text += EscapeTabbed(dataset.user_ids[static_cast<size_t>(predictions.users[i])]) + "\t" +
            EscapeTabbed(values[static_cast<size_t>(predictions.labels[i]) + 1]) + "\t" +
            EscapeTabbed(values[static_cast<size_t>(predictions.predicted[i]) + 1]) + "\n";
  }
  WriteFileDurably(path, text);
}

}  // namespace ppr::recommender
