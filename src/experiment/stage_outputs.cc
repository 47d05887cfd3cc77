#include "experiment/stage_outputs.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/durable_file.h"
#include "base/errors.h"
#include "evaluation/case_file.h"
#include "evaluation/metrics.h"

namespace ppr::experiment {
namespace {

using Json = nlohmann::json;

Json ReadJsonObject(const std::string& path) {
  Json json = Json::parse(ReadWholeFile(path), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) throw DataError(path + ": expected a JSON object, found something else");
  return json;
}

double NumberOf(const Json& json, const std::string& name, const std::string& path) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_number() || !std::isfinite(found->get<double>())) {
    throw DataError(path + ": expected a finite number \"" + name + "\", found " +
                    (found == json.end() ? std::string("nothing") : found->dump()));
  }
  return found->get<double>();
}

// Mean of values as they come.
struct RunningMean {
  double sum = 0;
  int64_t count = 0;
};

}  // namespace

TrainingSummary ReadTrainingSummary(const std::string& folder) {
  const std::string path = folder + "/summary.json";
  const Json json = ReadJsonObject(path);
  const auto best = json.find("best_value");
  const bool validated = best == json.end() || !best->is_null();
  return {.best_value = validated ? std::optional(NumberOf(json, "best_value", path)) : std::nullopt,
          .trained_parameters = NumberOf(json, "trained_parameters", path),
          .pretrained_parameters = NumberOf(json, "pretrained_parameters", path),
          .new_parameters = NumberOf(json, "new_parameters", path),
          .generator_parameters = NumberOf(json, "generator_parameters", path)};
}

std::map<std::string, double> ReadMetrics(const std::string& folder, const std::string& section) {
  const std::string path = folder + "/metrics.json";
  const Json json = ReadJsonObject(path);
  const auto found = json.find(section);
  if (found == json.end() || !found->is_object())
    throw DataError(path + ": expected an object \"" + section + "\", found none");
  std::map<std::string, double> metrics;
  for (const auto& [name, value] : found->items()) {
    if (name != "cases" && value.is_number()) metrics[name] = NumberOf(*found, name, path);
  }
  return metrics;
}

std::map<std::string, UserValues> ReadUserMeans(const std::string& folder,
                                                const std::vector<std::string>& metrics) {
  const evaluation::CaseFile cases = evaluation::ReadCaseFile(folder + "/cases.tsv");
  std::map<std::string, std::map<std::string, RunningMean>> sums;
  for (size_t i = 0; i < cases.user_ids.size(); ++i) {
    const evaluation::CaseMetrics of_case = evaluation::MetricsOf(cases.candidates[i]);
    for (const std::string& metric : metrics) {
      RunningMean& mean = sums[metric][cases.user_ids[i]];
      mean.sum += evaluation::NamedMetric(of_case, metric);
      ++mean.count;
    }
  }
  std::map<std::string, UserValues> means;
  for (const auto& [metric, users] : sums) {
    for (const auto& [user, mean] : users) means[metric][user] = mean.sum / static_cast<double>(mean.count);
  }
  return means;
}

UserValues ReadCorrectPredictions(const std::string& folder) {
  const std::string path = folder + "/predictions.tsv";
  std::istringstream lines(ReadWholeFile(path));
  UserValues correct;
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const size_t first = line.find('\t');
    const size_t second = first == std::string::npos ? first : line.find('\t', first + 1);
    if (second == std::string::npos || (number == 1 && line != "user\tlabel\tpredicted")) {
      throw DataError(path + ", line " + std::to_string(number) +
                      ": expected user, label and predicted, found \"" + line + "\"");
    }
    if (number == 1) continue;
    const bool right = line.substr(first + 1, second - first - 1) == line.substr(second + 1);
    correct[line.substr(0, first)] = right ? 1 : 0;
  }
  return correct;
}

}  // namespace ppr::experiment
