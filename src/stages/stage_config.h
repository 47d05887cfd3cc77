// Settings of the stages: plain structs that src/cli fills from flags. Problems() lists everything wrong at
// once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/encoder.h"
#include "model/losses.h"
#include "model/prompt.h"
#include "optim/adam.h"
#include "train/progress.h"
#include "evaluation/ranking.h"

namespace ppr::train {

// How the encoder is computed: by the fused CPU kernels where they can run it (auto), by them or not at all,
// or by the reference in ATen operators. Changes results by rounding only.
enum class ComputePath { kAuto, kFused, kReference };

// Which negatives a target has: K of its own, or K for all targets of the batch. Of the shared ones a user's
// own training clicks do not count for that user.
enum class NegativeSharing { kOwn, kBatch };

// What a stage trains from scratch: the encoder of its own name, or a competitor (docs/notation.md).
enum class ModelKind { kSasrec, kCl4srec, kBert4rec, kGru4rec, kMelu, kMinet };

// CL4SRec's views (Xie et al. 2022): each of the two is cropped, masked or reordered, drawn evenly.
struct SequenceAugmentation {
  double weight = 0.1;       // of the contrastive loss; 0 = none
  double temperature = 1.0;  // of its dot products
  double crop = 0.6;         // share of the clicks that a crop keeps
  double mask = 0.5;         // share that a mask hides
  double reorder = 0.2;      // share that a reordering shuffles

  std::vector<std::string> Problems() const;
};

// BERT4Rec's task (Sun et al. 2019): predict hidden clicks from all the others.
struct MaskedItems {
  double ratio = 0.2;       // a click is hidden with this probability; at least one of a sequence is
  double last_share = 0.1;  // of the sequences, in which the newest click alone is hidden, as it is in use

  std::vector<std::string> Problems() const;
};

// MeLU (model/melu.h) on clicks.
struct MeluSettings {
  double local_rate = 0.3;  // of the steps that adapt a user's decision layers
  int64_t local_steps = 1;
  int64_t support_clicks = 10;  // newest known clicks that a user's layers are adapted on

  std::vector<std::string> Problems() const;
};

// MiNet (model/minet.h): newest clicks that it attends to.
struct MinetSettings {
  int64_t target_clicks = 10;
  int64_t source_clicks = 20;

  std::vector<std::string> Problems() const;
};

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

// Whom pretrain trains on: warm users, or those and the cold users that tuning trains on.
enum class TrainingUsers { kWarm, kAll };

struct PretrainConfig {
  TrainingConfig training;
  ModelKind model = ModelKind::kSasrec;
  model::EncoderConfig encoder;
  TrainingUsers users = TrainingUsers::kWarm;
  EvaluationTask task = EvaluationTask::kFewShot;  // which clicks of cold users count, when they train
  int64_t shots = 0;                               // k-shot cropping of cold users; 0 = all clicks
  bool profile_model = false;                      // u_a of Eq. 4 is part of the model
  std::vector<std::string> profile_fields;         // empty = all of the dataset
  int64_t profile_hidden_width = 64;
  SequenceAugmentation augmentation;  // kCl4srec
  MaskedItems masked;                 // kBert4rec
  MeluSettings melu;                  // kMelu
  MinetSettings minet;                // kMinet
  std::string source_dataset;         // kMinet: the other domain

  std::vector<std::string> Problems() const;
};

// The part of a tuned model that pretrain can train as well: u_a of Eq. 4, no prompt.
inline model::PromptConfig ProfileModelOnly(const PretrainConfig& config) {
  return {.num_tokens = 0, .hidden_width = config.profile_hidden_width};
}

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
  std::string checkpoint;      // pretrain checkpoint or run folder (its BEST)
  std::string source_dataset;  // cross-domain: what the checkpoint was made from; empty = the same dataset
  TuneMethod method = TuneMethod::kPprFull;
  EvaluationTask task = EvaluationTask::kFewShot;  // which clicks of cold train users are targets
  std::string predict_field;                       // kProfile: the profile field to predict
  int64_t shots = 0;                               // k-shot cropping; 0 = all clicks
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
  int64_t shots = 0;           // cases at positions up to this; 0 = all
  std::string source_dataset;  // of a MiNet checkpoint: the other domain
  std::string part =
      "auto";  // auto: cold_test, or test for leave_one_out; warm_dev, cold_dev, cold_test, validation, test
  bool full_catalogue = true;
  std::string output;  // folder for metrics.json and cases.tsv; empty = print only
  int64_t batch_cases = 512;
  ComputePath compute = ComputePath::kAuto;

  std::vector<std::string> Problems() const;
};

}  // namespace ppr::train
