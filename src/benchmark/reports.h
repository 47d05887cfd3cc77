// Results of the benchmarks, for a person and for a program.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "train/step_times.h"

namespace ppr::benchmark {

// Where a benchmark ran.
struct BenchmarkSetting {
  std::string data;  // path of the dataset, or "generated"
  int64_t items = 0;
  int ranks = 1;
  int threads = 1;              // of each rank
  std::string compute;          // "fused" or "reference"
  std::string instruction_set;  // of the fused kernels; "" on the reference path
};

struct TrainingRepeat {
  int64_t steps = 0;
  int64_t sequences = 0, tokens = 0, targets = 0;  // of all ranks
  double seconds = 0;                              // wall, until the last rank is done
  double useful_flops = 0;
  double kernel_probe = 0;   // FLOP/s of all ranks, mean of the probes before and after; 0 = none here
  double library_probe = 0;  // the same of the library's product

  double targets_per_second() const { return static_cast<double>(targets) / seconds; }
  double useful_rate() const { return useful_flops / seconds; }  // FLOP/s
  double percent_of_kernel() const { return kernel_probe > 0 ? 100 * useful_rate() / kernel_probe : 0; }
  double percent_of_library() const { return 100 * useful_rate() / library_probe; }
};

struct TrainingSpeedReport {
  BenchmarkSetting setting;
  std::string config_json;  // what decides what is computed (stages/config_json.h)
  std::vector<TrainingRepeat> repeats;
  // Microseconds of a step by StepPhase, mean over steps and ranks.
  std::array<double, train::kStepPhases> phase_us{};

  std::string ToText() const;
  std::string ToJson() const;
};

// One kind of ranking.
struct RankingSpeed {
  int64_t cases_per_repeat = 0;          // all cases, so often that a repeat lasts long enough
  std::vector<double> users_per_second;  // of each repeat, over all ranks
  double user_vectors_us = 0;            // wall-clock microseconds a user, mean over repeats
  double ranking_us = 0;
};

struct EvaluationSpeedReport {
  BenchmarkSetting setting;
  std::string model;  // path of the checkpoint, or "untrained"
  std::string part;
  int64_t cases = 0;  // of the part
  int64_t candidates_per_case = 0;
  RankingSpeed candidates;  // against the stored candidates alone
  RankingSpeed catalogue;   // against those and the full catalogue, as `ppr evaluate` does

  std::string ToText() const;
  std::string ToJson() const;
};

struct PrepareSpeedReport {
  std::string interactions;  // path, or "generated"
  int64_t rows = 0, bytes = 0;
  std::vector<double> seconds;  // of each repeat
  int64_t peak_memory_bytes = 0;

  std::string ToText() const;
  std::string ToJson() const;
};

}  // namespace ppr::benchmark
