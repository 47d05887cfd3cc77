// The loop of a training stage: epochs of steps, evaluations, early stop, checkpoints, resume, progress.
// Pretrain and tune differ in what they give it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/batches.h"
#include "checkpoint/checkpoint.h"
#include "stages/config_json.h"
#include "train/progress.h"
#include "recommender/recommender.h"
#include "recommender/sharded_model.h"
#include "stages/stages.h"
#include "train/training_step.h"

namespace ppr::train {

struct LoopInputs {
  std::string stage;  // "pretrain" or "tune": the checkpoint's kind
  std::string config_json;
  std::string parent_digest;   // checkpoint that the stage started from
  std::string resolved_flags;  // stored as config.flags
  // What decides which checkpoint is best; larger is better, never below 0. Collective; rows have been caught
  // up. Empty = no early stop.
  std::function<double()> validate;
  std::string metric;               // its name
  std::vector<NamedTensor> shared;  // stored in checkpoints beside what trains; the same on all ranks
};

class TrainingLoop {
 public:
  // All must outlive this.
  TrainingLoop(ShardedModel& model, TrainingStep& step, const data::Dataset& dataset, data::EpochPlan& plan,
               const TrainingConfig& config, LoopInputs inputs);

  // Collective. Runs to the end and leaves LATEST and BEST checkpoints. Throws StoppedOnRequest after
  // committing one.
  StageResult Run();

 private:
  void RefuseWhatCannotTrain();
  void PrepareRunFolder();
  void Resume();
  void Restore(const LoadedCheckpoint& checkpoint);
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

  ShardedModel& model_;
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

// Cases -> click sequences -> user vectors: what EvaluateCases calls.
UserVectors UserVectorsOf(Recommender& recommender, const data::Dataset& dataset);

// The validation of a recommender on cases, by the metric of `config`; empty without cases. All must outlive
// it.
std::function<double()> CaseValidation(Recommender& recommender, const data::Dataset& dataset,
                                       std::vector<int64_t> cases, const TrainingConfig& config);

}  // namespace ppr::train
