// The training step of pretrain on its real data path, in repeats, between two probes of the machine.
#include <ATen/Parallel.h>

#include <algorithm>
#include <optional>

#include "base/errors.h"
#include "benchmark/benchmark.h"
#include "benchmark/generated_data.h"
#include "benchmark/matrix_probe.h"
#include "benchmark/timed_work.h"
#include "benchmark/useful_flops.h"
#include "recommender/recommender.h"
#include "stages/config_json.h"
#include "train/sequence_objective.h"
#include "train/training_step.h"

namespace ppr::benchmark {
namespace {

// Epochs hold this many batches at least: where one ends, the next is planned, as in a training run.
constexpr int64_t kLeastBatches = 64;

data::Dataset LoadOrGenerate(const TrainingBenchmark& benchmark) {
  const train::TrainingConfig& training = benchmark.pretrain.training;
  if (benchmark.generated.items == 0) return data::ReadDataset(training.dataset);
  return MakeGeneratedDataset(benchmark.generated, benchmark.pretrain.encoder.max_history,
                              kLeastBatches * training.batch_size, /*cases=*/0, training.seed);
}

// The loop of a training run without what comes between steps: evaluation, checkpoints, logs.
class BareLoop {
 public:
  BareLoop(recommender::Recommender& recommender, const data::Dataset& dataset,
           const stages::PretrainConfig& config)
      : config_(config),
        negatives_(dataset, config.training.seed),
        objective_(recommender, dataset, negatives_, train::PretrainingRules(config.training)),
        step_(recommender, objective_, train::PretrainingRules(config.training)),
        plan_(dataset, data::UsersOf(dataset, data::UserPart::kWarm),
              {.max_history = config.encoder.max_history, .seed = config.training.seed}) {
    if (plan_.NumBatches(0, config.training.batch_size) == 0)
      throw DataError(dataset.path + ": expected warm users with clicks to train on, found none");
  }

  // Collective. Adds what was done to `done`.
  void Run(int64_t steps, TrainingRepeat* done) {
    for (int64_t i = 0; i < steps; ++i) Advance(done);
    done->steps += steps;
  }
  train::StepTimes& times() { return step_.times(); }

 private:
  void Advance(TrainingRepeat* done) {
    const int64_t batch_size = config_.training.batch_size;
    const int64_t batches = plan_.NumBatches(epoch_, batch_size);
    // A copy: asking the plan for the next epoch ends the life of this one's sequences.
    const auto here = plan_.Batch(epoch_, batch_, batch_size);
    sequences_.assign(here.begin(), here.end());
    const bool ends_epoch = batch_ + 1 == batches;
    train::GlobalBatch next{.epoch = epoch_ + (ends_epoch ? 1 : 0), .step = last_step_ + 2};
    next.sequences = plan_.Batch(next.epoch, ends_epoch ? 0 : batch_ + 1, batch_size);
    const train::StepResult result = step_.Run(epoch_, last_step_ + 1, sequences_, &next);
    ++last_step_;
    batch_ = ends_epoch ? 0 : batch_ + 1;
    epoch_ = next.epoch;
    done->sequences += static_cast<int64_t>(sequences_.size());
    done->targets += result.targets;
    for (const data::TrainingSequence& sequence : sequences_) done->tokens += sequence.num_clicks();
    done->useful_flops += UsefulFlops(config_.encoder, config_.training.negatives, sequences_);
  }

  const stages::PretrainConfig& config_;
  const data::NegativeSampler negatives_;
  train::SequenceObjective objective_;
  train::TrainingStep step_;
  data::EpochPlan plan_;
  std::vector<data::TrainingSequence> sequences_;  // of this step
  int64_t epoch_ = 0, batch_ = 0;
  int64_t last_step_ = 0;
};

// Adds the phases of this repeat on this rank to `seconds`.
void AddPhases(train::StepTimes& times, std::array<double, train::kStepPhases>* seconds) {
  times.Enter(train::StepPhase::kOther);
  for (size_t phase = 0; phase < train::kStepPhases; ++phase)
    (*seconds)[phase] += times.seconds(static_cast<train::StepPhase>(phase));
}

BenchmarkSetting SettingOf(dist::Communicator& communicator, recommender::Recommender& recommender,
                           const data::Dataset& dataset) {
  const bool fused = recommender.fused() != nullptr;
  return {.data = dataset.path,
          .items = dataset.num_items(),
          .ranks = communicator.size(),
          .threads = at::get_num_threads(),
          .compute = fused ? "fused" : "reference",
          .instruction_set = fused ? recommender.fused()->kernels().name : ""};
}

}  // namespace

TrainingSpeedReport Measure(dist::Communicator& communicator, const TrainingBenchmark& benchmark) {
  const stages::PretrainConfig& config = benchmark.pretrain;
  const RepeatRules& rules = benchmark.rules;
  const data::Dataset dataset = LoadOrGenerate(benchmark);
  recommender::Recommender recommender(communicator, config.encoder, std::nullopt, {}, dataset.num_items(),
                                       config.training.seed);
  recommender.UseCompute(config.training.compute);
  BareLoop loop(recommender, dataset, config);
  TrainingRepeat uncounted;
  const int64_t fitting = WarmUp(communicator, rules.warmup_seconds, rules.seconds,
                                 [&](int64_t steps) { loop.Run(steps, &uncounted); });
  const int64_t steps = benchmark.steps > 0 ? benchmark.steps : fitting;

  TrainingSpeedReport report{.setting = SettingOf(communicator, recommender, dataset),
                             .config_json = stages::ConfigJson(config)};
  std::array<double, train::kStepPhases> seconds{};
  // Short, so that the machine is the same before and after; long enough for its clocks to settle.
  MatrixProbe probe(communicator, std::clamp(rules.seconds / 8, 0.02, 0.25));
  MatrixRates before = probe.Run();
  for (int64_t i = 0; i < rules.repeats; ++i) {
    TrainingRepeat repeat;
    repeat.seconds = SecondsOnAllRanks(communicator, [&] {
      loop.times().Reset();
      loop.Run(steps, &repeat);
      AddPhases(loop.times(), &seconds);
    });
    const MatrixRates after = probe.Run();
    repeat.kernel_probe = (before.kernel + after.kernel) / 2;
    repeat.library_probe = (before.library + after.library) / 2;
    before = after;
    report.repeats.push_back(repeat);
  }
  const double all_steps = static_cast<double>(steps * rules.repeats * communicator.size());
  for (size_t phase = 0; phase < train::kStepPhases; ++phase)
    report.phase_us[phase] = SumOverRanks(communicator, seconds[phase]) / all_steps * 1e6;
  return report;
}

}  // namespace ppr::benchmark
