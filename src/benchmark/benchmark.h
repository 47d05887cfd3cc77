// What `ppr bench` measures: the training step, evaluation and prepare, each as repeats of the real thing.
// What is counted, and how, is in docs/performance.md. Nothing is kept: no run folder, no checkpoint.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "benchmark/reports.h"
#include "data/prepare/prepare.h"
#include "dist/communicator.h"
#include "model/encoder_config.h"
#include "settings/settings.h"
#include "stages/stage_config.h"

namespace ppr::benchmark {

// How often, and for how long.
struct RepeatRules {
  int64_t repeats = 5;
  double seconds = 2;         // of one repeat, about
  double warmup_seconds = 2;  // before the first, uncounted
};
void DescribeRepeats(settings::Settings& settings, int64_t* repeats);
void DescribeSeconds(settings::Settings& settings, RepeatRules& rules);

// Data made in memory instead of a dataset file: uniform ids, so that nothing stays in a cache that would not
// with real data of this size.
struct GeneratedData {
  int64_t items = 0;                  // V; 0 = a dataset file is given
  int64_t targets_per_sequence = 38;  // the mean; lengths are uniform around it, up to max_history

  // `max_history` of the encoder that reads it.
  std::vector<std::string> Problems(int64_t max_history) const;
};
void Describe(settings::Settings& settings, GeneratedData& data);

// The training step of pretrain.
struct TrainingBenchmark {
  stages::PretrainConfig pretrain;  // its output, limits, evaluations and checkpoints play no part
  GeneratedData generated;
  RepeatRules rules;
  int64_t steps = 0;  // of one repeat; 0 = as many as take rules.seconds

  std::vector<std::string> Problems() const;
};
void DescribeSteps(settings::Settings& settings, TrainingBenchmark& benchmark);
// Collective.
TrainingSpeedReport Measure(dist::Communicator& communicator, const TrainingBenchmark& benchmark);

// The ranking of evaluate, with a stored model or an untrained one: the time is the same.
struct EvaluationBenchmark {
  stages::EvaluateConfig evaluate;  // checkpoint "" = untrained; output and baseline play no part
  model::EncoderConfig encoder;     // of the untrained model
  uint64_t seed = 1;
  GeneratedData generated;
  RepeatRules rules;

  std::vector<std::string> Problems() const;
};
// Collective.
EvaluationSpeedReport Measure(dist::Communicator& communicator, const EvaluationBenchmark& benchmark);

// `ppr prepare`, into a scratch folder that is deleted afterwards.
struct PrepareBenchmark {
  data::PrepareConfig prepare;  // interactions "" = a generated click log; output plays no part
  int64_t rows = 1'000'000;     // of the generated log
  int64_t repeats = 5;

  std::vector<std::string> Problems() const;
};
void DescribeRows(settings::Settings& settings, PrepareBenchmark& benchmark);
// One process. ConfigError on several ranks.
PrepareSpeedReport Measure(dist::Communicator& communicator, const PrepareBenchmark& benchmark);

}  // namespace ppr::benchmark
