// Which settings of the benchmarks cannot work.
#include <cmath>
#include <limits>

#include "base/text_format.h"
#include "benchmark/benchmark.h"

namespace ppr::benchmark {
namespace {

void Append(const std::vector<std::string>& more, std::vector<std::string>* problems) {
  problems->insert(problems->end(), more.begin(), more.end());
}

void Expect(bool holds, const std::string& problem, std::vector<std::string>* problems) {
  if (!holds) problems->push_back(problem);
}

// Data come from a file or are generated.
void CheckSource(const std::string& dataset, const GeneratedData& generated, int64_t max_history,
                 std::vector<std::string>* problems) {
  if (generated.items != 0) {
    Expect(dataset.empty(), "items: expected with generated ids only, found --dataset=" + dataset + " too",
           problems);
    Append(generated.Problems(max_history), problems);
  } else {
    Expect(!dataset.empty(), "dataset: expected a path, or --items for generated ids, found nothing",
           problems);
  }
}

}  // namespace

std::vector<std::string> RepeatRules::Problems() const {
  std::vector<std::string> problems;
  Expect(repeats >= 1 && repeats <= 1000,
         Format("repeats: expected 1 to 1000, found %lld", static_cast<long long>(repeats)), &problems);
  Expect(seconds > 0 && seconds <= 3600,
         Format("seconds: expected more than 0 and at most 3600, found %g", seconds), &problems);
  Expect(warmup_seconds >= 0 && warmup_seconds <= 3600,
         Format("warmup_seconds: expected 0 to 3600, found %g", warmup_seconds), &problems);
  return problems;
}

std::vector<std::string> GeneratedData::Problems(int64_t max_history) const {
  // Enough that a user finds candidates among items that are not the user's own.
  const int64_t least = 2 * max_history + 200;
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max() - 1;
  std::vector<std::string> problems;
  Expect(items >= least && items <= kMost,
         Format("items: expected 0 (none) or %lld to %lld with this max_history, found %lld",
                static_cast<long long>(least), static_cast<long long>(kMost), static_cast<long long>(items)),
         &problems);
  Expect(targets_per_sequence >= 1 && targets_per_sequence <= max_history,
         Format("targets_per_sequence: expected 1 to max_history (%lld), found %lld",
                static_cast<long long>(max_history), static_cast<long long>(targets_per_sequence)),
         &problems);
  return problems;
}

std::vector<std::string> TrainingBenchmark::Problems() const {
  // The source of data is checked here, and there is no run folder.
  stages::PretrainConfig checked = pretrain;
  checked.training.dataset = checked.training.output = "none";
  std::vector<std::string> problems = checked.Problems();
  CheckSource(pretrain.training.dataset, generated, pretrain.encoder.max_history, &problems);
  Append(rules.Problems(), &problems);
  Expect(steps >= 0, Format("steps: expected at least 0, found %lld", static_cast<long long>(steps)),
         &problems);
  return problems;
}

std::vector<std::string> EvaluationBenchmark::Problems() const {
  stages::EvaluateConfig checked = evaluate;
  checked.dataset = checked.checkpoint = "none";
  std::vector<std::string> problems = checked.Problems();
  if (evaluate.checkpoint.empty()) Append(encoder.Problems(), &problems);
  CheckSource(evaluate.dataset, generated, encoder.max_history, &problems);
  Expect(generated.items == 0 || evaluate.checkpoint.empty(),
         "items: expected with an untrained model only, found --checkpoint=" + evaluate.checkpoint + " too",
         &problems);
  Append(rules.Problems(), &problems);
  return problems;
}

std::vector<std::string> PrepareBenchmark::Problems() const {
  data::PrepareConfig checked = prepare;
  checked.output = "none";  // a scratch folder's
  if (checked.interactions.empty()) {
    checked.interactions = "generated.csv";
  }
  std::vector<std::string> problems = checked.Problems();
  constexpr int64_t kMostRows = 10'000'000'000;
  Expect(!prepare.interactions.empty() || prepare.users.empty(),
         "users: expected together with --interactions, found " + prepare.users + " alone", &problems);
  Expect(rows >= 1000 && rows <= kMostRows,
         Format("rows: expected 1000 to %lld, found %lld", static_cast<long long>(kMostRows),
                static_cast<long long>(rows)),
         &problems);
  Expect(repeats >= 1 && repeats <= 1000,
         Format("repeats: expected 1 to 1000, found %lld", static_cast<long long>(repeats)), &problems);
  return problems;
}

}  // namespace ppr::benchmark
