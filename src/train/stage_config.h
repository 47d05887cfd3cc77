// Settings of the stages: plain structs that src/cli fills from flags. Problems() lists everything wrong at
// once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/encoder.h"
#include "model/losses.h"
#include "model/prompt.h"
#include "train/adam.h"
#include "train/progress.h"
#include "train/ranking.h"

namespace ppr::train {

// How the encoder is computed: by the fused CPU kernels where they can run it (auto), by them or not at all,
// or by the reference in ATen operators. Changes results by rounding only.
enum class ComputePath { kAuto, kFused, kReference };

// Which negatives a target has: K of its own, or K for all targets of the batch. Of the shared ones a user's
// own training clicks do not count for that user.
enum class NegativeSharing { kOwn, kBatch };

// What pretrain and tune share.
struct TrainingConfig {
  std::string dataset;  // dataset.h5
  std::string output;   // run folder
  bool resume = false;  // go on from output/checkpoints/LATEST (a fresh start when there is none)
  uint64_t seed = 1;
  int64_t batch_size = 256;  // sequences of one step over all ranks
  int64_t max_epochs = 200;
  int64_t max_steps = 0;  // 0 = no limit
  model::NextItemLoss loss = model::NextItemLoss::kBpr;
  int64_t negatives = 1;  // K per target, uniform, never among the user's training clicks
  NegativeSharing negative_sharing = NegativeSharing::kOwn;
  LearningRate learning_rate;  // of pre-trained parameters (all parameters in pretrain)
  AdamConfig adam;
  std::string metric = "ndcg@10";      // early stop on this metric of the validation cases
  int64_t patience_steps = 0;          // stop after so many steps without a better value; 0 = never
  int64_t evaluate_every_steps = 0;    // 0 = at the end of every epoch
  int64_t checkpoint_every_steps = 0;  // besides the checkpoint at every evaluation; 0 = none
  int64_t keep_checkpoints = 2;
  ProgressMode progress = ProgressMode::kAuto;
  ComputePath compute = ComputePath::kAuto;

  std::vector<std::string> Problems() const;
};

struct PretrainConfig {
  TrainingConfig training;
  model::EncoderConfig encoder;

  std::vector<std::string> Problems() const;
};

enum class TuneMethod {
  kPprLight,  // prompt generator and profile model train, everything pre-trained is frozen
  kPprFull,   // everything trains
  kFineTune,  // no prompt: profile model and everything pre-trained train
};
enum class ProfileInit {
  kMeanOfItems,
  kNormal
};  // mean pre-trained row of the items clicked by such warm users
enum class BehaviourAugmentation {
  kDelete,
  kZero
};  // drop clicks (never the last), or zero their embedding ([mask])
enum class ContrastiveViews { kBoth, kPrompt, kBehaviour };  // both: the sum of the two losses

struct ContrastiveConfig {
  double weight = 0.1;       // lambda of Eq. 7; 0 = no contrastive loss
  double temperature = 1.0;  // tau of Eq. 6
  ContrastiveViews views = ContrastiveViews::kBoth;
  double profile_mask_ratio = 0.2;    // gamma_1, 3.5.1
  double behaviour_mask_ratio = 0.2;  // gamma_2, 3.5.2
  BehaviourAugmentation behaviour = BehaviourAugmentation::kDelete;

  std::vector<std::string> Problems() const;
};

struct TuneConfig {
  TrainingConfig training;
  std::string checkpoint;  // pretrain checkpoint or run folder (its BEST)
  TuneMethod method = TuneMethod::kPprFull;
  EvaluationTask task = EvaluationTask::kFewShot;  // which clicks of cold train users are targets
  model::PromptConfig prompt;
  std::vector<std::string> profile_fields;  // empty = all of the dataset
  ProfileInit profile_init = ProfileInit::kMeanOfItems;
  LearningRate new_learning_rate;  // of prompt generator and profile model
  double dropout = -1;             // of the encoder while tuning; -1 = as pre-trained
  ContrastiveConfig contrastive;

  std::vector<std::string> Problems() const;
};

enum class Baseline { kNone, kPopularity, kPositionPopularity };

struct EvaluateConfig {
  std::string dataset;
  std::string checkpoint;  // checkpoint or run folder (its BEST); not needed for a popularity baseline
  Baseline baseline = Baseline::kNone;
  EvaluationTask task = EvaluationTask::kJoint;
  std::string part =
      "auto";  // auto: cold_test, or test for leave_one_out; warm_dev, cold_dev, cold_test, validation, test
  bool full_catalogue = true;
  std::string output;  // folder for metrics.json and cases.tsv; empty = print only
  int64_t batch_cases = 512;
  ComputePath compute = ComputePath::kAuto;

  std::vector<std::string> Problems() const;
};

}  // namespace ppr::train
