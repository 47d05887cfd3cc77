// The settings of the benchmarks, and which of them cannot work.
#include "base/findings.h"
#include "benchmark/benchmark.h"

namespace ppr::benchmark {
namespace {

constexpr int64_t kMostRows = 10'000'000'000;
// Of generated ids, which are all in memory: 20 times the largest batch that trains well.
constexpr int64_t kMostGeneratedBatch = 1'000'000;

// Data come from a file or are generated.
void CheckSource(const std::string& dataset, const GeneratedData& generated, int64_t max_history,
                 Findings* findings) {
  if (generated.items != 0) {
    findings->Expect(dataset.empty(), "items", "generated ids only", "--dataset=" + dataset + " too");
    findings->Append(generated.Problems(max_history));
  } else {
    findings->Expect(!dataset.empty(), "dataset", "a path, or --items for generated ids", "");
  }
}

std::vector<std::string> LimitProblems(RepeatRules rules) {
  settings::Settings all;
  DescribeRepeats(all, &rules.repeats);
  DescribeSeconds(all, rules);
  return all.Problems();
}

}  // namespace

void DescribeRepeats(settings::Settings& settings, int64_t* repeats) {
  settings.Add(repeats, {.flag = "repeats",
                         .help = "Repeats, of which median, smallest and largest are printed",
                         .limits = settings::Between(1, 1000)});
}

void DescribeSeconds(settings::Settings& settings, RepeatRules& rules) {
  constexpr double kHour = 3600;
  settings.Add(
      &rules.seconds,
      {.flag = "seconds",
       .help = "Length of a repeat, about",
       .limits = settings::Limits{
           .expected = "more than 0 and at most 3600", .least = 0, .most = kHour, .least_is_open = true}});
  settings.Add(&rules.warmup_seconds,
               {.flag = "warmup_seconds",
                .help = "Uncounted time before the first repeat",
                .limits = settings::Limits{.expected = "0 to 3600", .least = 0, .most = kHour}});
}

void Describe(settings::Settings& settings, GeneratedData& data) {
  settings.Add(
      &data.items,
      {.flag = "items",
       .help = "Instead of --dataset: uniform random ids of so many items, made in memory; 0: the dataset"});
  settings.Add(&data.targets_per_sequence,
               {.flag = "targets_per_sequence",
                .help = "With --items: targets of a sequence on average, at most --max_history each"});
}

void DescribeSteps(settings::Settings& settings, TrainingBenchmark& benchmark) {
  settings.Add(&benchmark.steps, {.flag = "steps",
                                  .help = "Training steps of a repeat; 0: as many as --seconds allow",
                                  .limits = settings::AtLeast(0)});
}

void DescribeRows(settings::Settings& settings, PrepareBenchmark& benchmark) {
  settings.Add(&benchmark.rows, {.flag = "rows",
                                 .help = "Without --interactions: rows of a click log that is generated",
                                 .limits = settings::Between(1000, kMostRows)});
}

std::vector<std::string> GeneratedData::Problems(int64_t max_history) const {
  // Enough that a user finds candidates among items that are not the user's own.
  const int64_t least = 2 * max_history + 200;
  constexpr int64_t kMost = 100'000'000;  // the table and its moments: 77 GB at width 64
  const auto range = [](int64_t from, int64_t to) {
    return std::to_string(from) + " to " + std::to_string(to);
  };
  Findings findings;
  findings.Expect(items >= least && items <= kMost, "items",
                  "0 (none) or " + range(least, kMost) + " with this max_history", std::to_string(items));
  findings.Expect(targets_per_sequence >= 1 && targets_per_sequence <= max_history, "targets_per_sequence",
                  "1 to max_history (" + std::to_string(max_history) + ")",
                  std::to_string(targets_per_sequence));
  return findings.Take();
}

std::vector<std::string> TrainingBenchmark::Problems() const {
  // The source of data is checked here, and there is no run folder.
  stages::PretrainConfig checked = pretrain;
  checked.training.dataset = checked.training.output = "none";
  TrainingBenchmark copy = *this;
  settings::Settings own;
  DescribeSteps(own, copy);
  Findings findings;
  findings.Append(checked.Problems());
  CheckSource(pretrain.training.dataset, generated, pretrain.encoder.max_history, &findings);
  const int64_t batch = pretrain.training.batch_size;
  findings.Expect(generated.items == 0 || batch <= kMostGeneratedBatch, "batch_size",
                  "at most " + std::to_string(kMostGeneratedBatch) + " of generated sequences",
                  std::to_string(batch));
  findings.Append(LimitProblems(rules));
  findings.Append(own.Problems());
  return findings.Take();
}

std::vector<std::string> EvaluationBenchmark::Problems() const {
  stages::EvaluateConfig checked = evaluate;
  checked.dataset = checked.checkpoint = "none";
  Findings findings;
  findings.Append(checked.Problems());
  if (evaluate.checkpoint.empty()) findings.Append(encoder.Problems());
  CheckSource(evaluate.dataset, generated, encoder.max_history, &findings);
  findings.Expect(generated.items == 0 || evaluate.checkpoint.empty(), "items", "an untrained model only",
                  "--checkpoint=" + evaluate.checkpoint + " too");
  findings.Append(LimitProblems(rules));
  return findings.Take();
}

std::vector<std::string> PrepareBenchmark::Problems() const {
  data::PrepareConfig checked = prepare;
  checked.output = "none";  // a scratch folder's
  if (checked.interactions.empty()) checked.interactions = "generated.csv";
  PrepareBenchmark copy = *this;
  settings::Settings own;
  DescribeRows(own, copy);
  DescribeRepeats(own, &copy.repeats);
  Findings findings;
  findings.Append(checked.Problems());
  findings.Expect(!prepare.interactions.empty() || prepare.users.empty(), "users", "--interactions beside it",
                  "none");
  findings.Append(own.Problems());
  return findings.Take();
}

}  // namespace ppr::benchmark
