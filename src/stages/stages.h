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
#include "train/training_loop.h"

namespace ppr::stages {

// `resolved_flags` is the text of config.flags to store in the run folder ("" = none).
// Throws StoppedOnRequest after a committed checkpoint when a stop was asked for.
train::StageResult Pretrain(dist::Communicator& communicator, const PretrainConfig& config,
                            const std::string& resolved_flags);
train::StageResult Tune(dist::Communicator& communicator, const TuneConfig& config,
                        const std::string& resolved_flags);

struct EvaluationReport {
  std::string task, part;
  std::optional<recommender::ClassificationMetrics>
      profile;                         // of task profile, which has nothing of the following
  evaluation::MetricMeans candidates;  // against the stored candidates
  evaluation::MetricMeans catalogue;   // against the full catalogue; cases = 0 when not asked for
  std::string ToText() const;          // labelled table
};
EvaluationReport Evaluate(dist::Communicator& communicator, const EvaluateConfig& config);

}  // namespace ppr::stages
