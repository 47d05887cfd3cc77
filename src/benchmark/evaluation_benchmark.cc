// The ranking of evaluate, in repeats: all cases of a part, again and again until a repeat lasts long enough.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <chrono>
#include <memory>
#include <optional>

#include "base/errors.h"
#include "benchmark/benchmark.h"
#include "benchmark/generated_data.h"
#include "benchmark/timed_work.h"
#include "stages/stored_recommender.h"
#include "train/case_validation.h"

namespace ppr::benchmark {
namespace {

constexpr int64_t kGeneratedCases = 8192;

data::Dataset LoadOrGenerate(const EvaluationBenchmark& benchmark) {
  if (benchmark.generated.items == 0) return data::ReadDataset(benchmark.evaluate.dataset);
  return MakeGeneratedDataset(benchmark.generated, benchmark.encoder.max_history, kGeneratedCases,
                              kGeneratedCases, benchmark.seed);
}

std::unique_ptr<recommender::Recommender> LoadOrMake(dist::Communicator& communicator,
                                                     const EvaluationBenchmark& benchmark,
                                                     const data::Dataset& dataset) {
  const std::string& path = benchmark.evaluate.checkpoint;
  if (path.empty()) {
    return std::make_unique<recommender::Recommender>(communicator, benchmark.encoder, std::nullopt,
                                                      recommender::ProfileInput{}, dataset.num_items(),
                                                      benchmark.seed);
  }
  return stages::RestoreRecommender(communicator, stages::OpenForReading(communicator, path, dataset),
                                    dataset);
}

data::CasePart PartOf(const stages::EvaluateConfig& config, const data::Dataset& dataset) {
  if (config.part != "auto") return *settings::ValueNamed<data::CasePart>(config.part);
  return dataset.protocol == data::Protocol::kLeaveOneOut ? data::CasePart::kTest : data::CasePart::kColdTest;
}

// Ranks the cases in one of the two ways, and keeps apart how long the user vectors take.
class TimedRanking {
 public:
  TimedRanking(recommender::Recommender& recommender, const data::Dataset& dataset,
               const std::vector<int64_t>& cases, int64_t batch_cases, bool full_catalogue)
      : recommender_(recommender),
        dataset_(dataset),
        cases_(cases),
        batch_cases_(batch_cases),
        full_catalogue_(full_catalogue),
        user_vectors_(train::UserVectorsOf(recommender, dataset)) {}

  // Collective. All cases `copies` times.
  void Rank(int64_t copies) {
    std::vector<int64_t> tiled;
    for (int64_t i = 0; i < copies; ++i) tiled.insert(tiled.end(), cases_.begin(), cases_.end());
    const evaluation::UserVectors timed = [this](std::span<const int64_t> cases) {
      const auto start = std::chrono::steady_clock::now();
      const at::Tensor users = user_vectors_(cases);
      vector_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      return users;
    };
    evaluation::EvaluateCases(recommender_.communicator(), dataset_, recommender_.table(), tiled, timed,
                              full_catalogue_, batch_cases_);
  }

  // Collective. Warms up, then repeats.
  RankingSpeed Measure(const RepeatRules& rules) {
    dist::Communicator& communicator = recommender_.communicator();
    const int64_t copies =
        WarmUp(communicator, rules.warmup_seconds, rules.seconds, [this](int64_t units) { Rank(units); });
    RankingSpeed speed{.cases_per_repeat = copies * static_cast<int64_t>(cases_.size())};
    const auto cases = static_cast<double>(speed.cases_per_repeat);
    vector_seconds_ = 0;
    double seconds = 0;
    for (int64_t i = 0; i < rules.repeats; ++i) {
      const double elapsed = SecondsOnAllRanks(communicator, [&] { Rank(copies); });
      speed.users_per_second.push_back(cases / elapsed);
      seconds += elapsed;
    }
    const double to_us = 1e6 / (cases * static_cast<double>(rules.repeats));
    speed.user_vectors_us = SumOverRanks(communicator, vector_seconds_) / communicator.size() * to_us;
    speed.ranking_us = seconds * to_us - speed.user_vectors_us;
    return speed;
  }

 private:
  recommender::Recommender& recommender_;
  const data::Dataset& dataset_;
  const std::vector<int64_t>& cases_;
  int64_t batch_cases_;
  bool full_catalogue_;
  evaluation::UserVectors user_vectors_;
  double vector_seconds_ = 0;  // on this rank
};

}  // namespace

EvaluationSpeedReport Measure(dist::Communicator& communicator, const EvaluationBenchmark& benchmark) {
  const stages::EvaluateConfig& config = benchmark.evaluate;
  const data::Dataset dataset = LoadOrGenerate(benchmark);
  const std::unique_ptr<recommender::Recommender> recommender = LoadOrMake(communicator, benchmark, dataset);
  recommender->UseCompute(config.compute);
  const data::CasePart part = PartOf(config, dataset);
  const std::vector<int64_t> cases = evaluation::SelectCases(dataset, part, config.task);
  if (cases.empty()) {
    throw DataError(dataset.path + ": expected cases of part " + settings::NameOf(part) + " for task " +
                    settings::NameOf(config.task) + ", found none");
  }
  const bool fused = recommender->fused() != nullptr;
  EvaluationSpeedReport report{
      .setting = {.data = dataset.path,
                  .items = dataset.num_items(),
                  .ranks = communicator.size(),
                  .threads = at::get_num_threads(),
                  .compute = fused ? "fused" : "reference",
                  .instruction_set = fused ? recommender->fused()->kernels().name : ""},
      .model = config.checkpoint.empty() ? "untrained" : config.checkpoint,
      .part = settings::NameOf(part),
      .cases = static_cast<int64_t>(cases.size()),
      .candidates_per_case = dataset.cases.num_candidates};
  report.candidates =
      TimedRanking(*recommender, dataset, cases, config.batch_cases, false).Measure(benchmark.rules);
  report.catalogue =
      TimedRanking(*recommender, dataset, cases, config.batch_cases, true).Measure(benchmark.rules);
  return report;
}

}  // namespace ppr::benchmark
