// The loop of a training stage: epochs of steps, evaluations, early stop, checkpoints, resume, progress.
// Pretrain and tune differ in what they give it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/state.h"
#include "data/batches.h"
#include "recommender/sharded_model.h"
#include "train/metrics_log.h"
#include "train/progress.h"
#include "train/run_progress.h"
#include "train/training_config.h"
#include "train/training_step.h"

namespace ppr::train {

// What a training stage came to.
struct StageResult {
  int64_t steps = 0;
  std::string metric;  // what decided which checkpoint is best
  double best_metric = 0;
  int64_t best_step = 0;
  bool validated = true;        // false: nothing to choose by, the newest counts as the best
  std::string best_checkpoint;  // folder
  std::string text;  // a few lines for a person: best value, where, parameter shares (Table 1) when tuning
};

struct LoopInputs {
  std::string stage;  // "pretrain" or "tune": the checkpoint's kind
  std::string config_json;
  // "field: expected X, found Y" for every difference between two configs; empty when equal.
  std::function<std::vector<std::string>(const std::string& stored_json, const std::string& current_json)>
      differences;
  std::string parent_digest;   // checkpoint that the stage started from
  std::string resolved_flags;  // stored as config.flags
  // What decides which checkpoint is best; larger is better, never below 0. Collective; rows have been caught
  // up. Empty = no early stop.
  std::function<double()> validate;
  std::string metric;  // its name
};

class TrainingLoop {
 public:
  // All must outlive this.
  TrainingLoop(recommender::ShardedModel& model, TrainingStep& step, const data::Dataset& dataset,
               data::EpochPlan& plan, const TrainingConfig& config, LoopInputs inputs);

  // Collective. Runs to the end and leaves LATEST and BEST checkpoints. Throws StoppedOnRequest after
  // committing one.
  StageResult Run();

 private:
  void RefuseWhatCannotTrain();
  void PrepareRunFolder();
  void Resume();
  // The state of training: what the model and the optimiser list.
  checkpoint::TrainingState State() const;
  // Collective. The same, with rows that wait for skipped steps marked as such.
  checkpoint::TrainingState StateToWrite() const;
  // One step and what follows it. False when the run is over.
  bool Advance();
  bool Finished() const;
  bool AtEvaluation(int64_t batches) const;
  void LogStep(const StepResult& result);
  double Evaluate();
  // Evaluates, remembers the best, commits a checkpoint.
  void EvaluateAndCommit();
  void Commit(bool best);
  StageResult Result(const std::string& best_checkpoint) const;
  bool lead() const { return model_.communicator().rank() == 0; }

  recommender::ShardedModel& model_;
  TrainingStep& step_;
  const data::Dataset& dataset_;
  data::EpochPlan& plan_;
  const TrainingConfig& config_;
  LoopInputs inputs_;
  std::string run_id_;
  RunProgress progress_;
  std::vector<data::TrainingSequence> batch_;  // of this step
  std::unique_ptr<MetricsLog> metrics_;        // rank 0 only, as is the line
  std::unique_ptr<ProgressLine> line_;
};

}  // namespace ppr::train
