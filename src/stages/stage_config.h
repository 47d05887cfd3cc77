// Settings of the stages: plain structs that src/cli fills from flags. Problems() lists everything wrong at
// once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evaluation/case_evaluation.h"
#include "model/encoder_config.h"
#include "model/prompt.h"
#include "recommender/sequence_augmentation.h"
#include "train/competitors/melu_recommender.h"
#include "train/competitors/minet_recommender.h"
#include "train/step_rules.h"
#include "train/training_config.h"

namespace ppr::stages {

// What a stage trains from scratch: the encoder of its own name, or a competitor (docs/notation.md).
enum class ModelKind { kSasrec, kCl4srec, kBert4rec, kGru4rec, kMelu, kMinet };

// Whom pretrain trains on: warm users, or those and the cold users that tuning trains on.
enum class TrainingUsers { kWarm, kAll };

struct PretrainConfig {
  train::TrainingConfig training;
  ModelKind model = ModelKind::kSasrec;
  model::EncoderConfig encoder;
  TrainingUsers users = TrainingUsers::kWarm;
  evaluation::EvaluationTask task =
      evaluation::EvaluationTask::kFewShot;  // which clicks of cold users count, when they train
  int64_t shots = 0;                         // k-shot cropping of cold users; 0 = all clicks
  bool profile_model = false;                // u_a of Eq. 4 is part of the model
  std::vector<std::string> profile_fields;   // empty = all of the dataset
  int64_t profile_hidden_width = 64;
  recommender::SequenceAugmentation augmentation;  // kCl4srec
  recommender::MaskedItems masked;                 // kBert4rec
  train::MeluSettings melu;                        // kMelu
  train::MinetSettings minet;                      // kMinet
  std::string source_dataset;                      // kMinet: the other domain

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
// What the tables of profile values start as.
enum class ProfileInit {
  kMeanOfItems,  // the mean pre-trained row of the items clicked by such warm users
  kNormal,
};

struct TuneConfig {
  train::TrainingConfig training;
  std::string checkpoint;      // pretrain checkpoint or run folder (its BEST)
  std::string source_dataset;  // cross-domain: what the checkpoint was made from; empty = the same dataset
  TuneMethod method = TuneMethod::kPprFull;
  evaluation::EvaluationTask task =
      evaluation::EvaluationTask::kFewShot;  // which clicks of cold train users are targets
  std::string predict_field;                 // kProfile: the profile field to predict
  int64_t shots = 0;                         // k-shot cropping; 0 = all clicks
  model::PromptConfig prompt;
  std::vector<std::string> profile_fields;  // empty = all of the dataset
  ProfileInit profile_init = ProfileInit::kMeanOfItems;
  optim::LearningRate new_learning_rate;  // of prompt generator and profile model
  double dropout = -1;                    // of the encoder while tuning; -1 = as pre-trained
  train::ContrastiveConfig contrastive;

  std::vector<std::string> Problems() const;
};

enum class Baseline { kNone, kPopularity, kPositionPopularity };

struct EvaluateConfig {
  std::string dataset;
  std::string checkpoint;  // checkpoint or run folder (its BEST); not needed for a popularity baseline
  Baseline baseline = Baseline::kNone;
  evaluation::EvaluationTask task = evaluation::EvaluationTask::kJoint;
  int64_t shots = 0;           // cases at positions up to this; 0 = all
  std::string source_dataset;  // of a MiNet checkpoint: the other domain
  std::string part =
      "auto";  // auto: cold_test, or test for leave_one_out; warm_dev, cold_dev, cold_test, validation, test
  bool full_catalogue = true;
  std::string output;  // folder for metrics.json and cases.tsv; empty = print only
  int64_t batch_cases = 512;
  model::ComputePath compute = model::ComputePath::kAuto;

  std::vector<std::string> Problems() const;
};

}  // namespace ppr::stages
