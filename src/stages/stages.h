// The stages: pre-training on warm users, tuning on cold users, evaluation. Each is collective: all ranks
// call it with the same config. Errors end the stage on every rank (docs/contracts.md, contract 7).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dist/communicator.h"
#include "evaluation/metrics.h"
#include "recommender/profile_prediction.h"
#include "stages/stage_config.h"

namespace ppr::train {

struct StageResult {
  int64_t steps = 0;
  std::string metric;  // what decided which checkpoint is best
  double best_metric = 0;
  int64_t best_step = 0;
  bool validated = true;        // false: nothing to choose by, the newest counts as the best
  std::string best_checkpoint;  // folder
  std::string text;  // a few lines for a person: best value, where, parameter shares (Table 1) when tuning
};

// `resolved_flags` is the text of config.flags to store in the run folder ("" = none).
// Throws StoppedOnRequest after a committed checkpoint when a stop was asked for.
StageResult Pretrain(dist::Communicator& communicator, const PretrainConfig& config,
                     const std::string& resolved_flags);
StageResult Tune(dist::Communicator& communicator, const TuneConfig& config,
                 const std::string& resolved_flags);

struct EvaluationReport {
  std::string task, part;
  std::optional<ClassificationMetrics> profile;  // of task profile, which has nothing of the following
  MetricMeans candidates;                        // against the stored candidates
  MetricMeans catalogue;                         // against the full catalogue; cases = 0 when not asked for
  std::string ToText() const;                    // labelled table
};
EvaluationReport Evaluate(dist::Communicator& communicator, const EvaluateConfig& config);

}  // namespace ppr::train
