// Settings of the stages: plain structs, each with its description, from which flags, checks and stored
// configs come. Problems() lists everything wrong at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evaluation/case_evaluation.h"
#include "model/compute_path.h"
#include "model/encoder_config.h"
#include "model/prompt.h"
#include "recommender/sequence_augmentation.h"
#include "settings/settings.h"
#include "stages/model_kinds.h"
#include "train/competitors/melu_recommender.h"
#include "train/competitors/minet_recommender.h"
#include "train/step_rules.h"
#include "train/training_config.h"

namespace ppr::stages {

// Whom pretrain trains on: warm users, or those and the cold users that tuning trains on.
enum class TrainingUsers { kWarm, kAll };
const settings::NameTable<TrainingUsers>& NamesOf(TrainingUsers);

// Defaults of a known model: of the PPR paper's base model, or of SASRec (presets.h).
enum class Preset { kNone, kPaper, kSasrec };
const settings::NameTable<Preset>& NamesOf(Preset);

struct PretrainConfig {
  train::TrainingConfig training;
  Preset preset = Preset::kNone;  // what other defaults were taken from; decides nothing itself
  ModelKind kind = ModelKind::kSasrec;
  model::EncoderConfig encoder;
  TrainingUsers users = TrainingUsers::kWarm;
  // Which clicks of cold users count, when they train.
  evaluation::EvaluationTask task = evaluation::EvaluationTask::kFewShot;
  int64_t shots = 0;                               // k-shot cropping of cold users; 0 = all clicks
  bool profile_model = false;                      // u_a of Eq. 4 is part of the model
  std::vector<std::string> profile_fields;         // empty = all of the dataset
  model::PromptConfig prompt = {.num_tokens = 0};  // the profile model, without a prompt
  recommender::SequenceAugmentation augmentation;  // kCl4srec
  recommender::MaskedItems masked;                 // kBert4rec
  train::MeluSettings melu;                        // kMelu
  train::MinetSettings minet;                      // kMinet
  std::string source_dataset;                      // kMinet: the other domain

  std::vector<std::string> Problems() const;
};
void Describe(settings::Settings& settings, PretrainConfig& config);

// The model has a use for profile fields.
bool ReadsProfiles(const PretrainConfig& config);

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

const settings::NameTable<TuneMethod>& NamesOf(TuneMethod);
const settings::NameTable<ProfileInit>& NamesOf(ProfileInit);

struct TuneConfig {
  // Pre-trained parameters move less than new ones.
  train::TrainingConfig training = {.learning_rate = {.base = 1e-4}};
  std::string checkpoint;      // pretrain checkpoint or run folder (its BEST)
  std::string source_dataset;  // cross-domain: what the checkpoint was made from; empty = the same dataset
  TuneMethod method = TuneMethod::kPprFull;
  // Which clicks of cold train users are targets.
  evaluation::EvaluationTask task = evaluation::EvaluationTask::kFewShot;
  std::string predict_field;  // kProfile: the profile field to predict
  int64_t shots = 0;          // k-shot cropping; 0 = all clicks
  model::PromptConfig prompt;
  std::vector<std::string> profile_fields;  // empty = all of the dataset
  ProfileInit profile_init = ProfileInit::kMeanOfItems;
  optim::LearningRate new_learning_rate;  // of prompt generator and profile model
  double dropout = -1;                    // of the encoder while tuning; -1 = as pre-trained
  train::ContrastiveConfig contrastive;

  std::vector<std::string> Problems() const;
  // What is trained, from what was set: fine-tuning has no prompt tokens, both rates warm up alike, ...
  TuneConfig Resolved() const;
};
void Describe(settings::Settings& settings, TuneConfig& config);

enum class Baseline { kNone, kPopularity, kPositionPopularity };
const settings::NameTable<Baseline>& NamesOf(Baseline);

struct EvaluateConfig {
  std::string dataset;
  std::string checkpoint;  // checkpoint or run folder (its BEST); not needed for a popularity baseline
  Baseline baseline = Baseline::kNone;
  evaluation::EvaluationTask task = evaluation::EvaluationTask::kJoint;
  int64_t shots = 0;           // cases at positions up to this; 0 = all
  std::string source_dataset;  // of a MiNet checkpoint: the other domain
  // auto: cold_test, or test for leave_one_out; or the name of a data::CasePart.
  std::string part = "auto";
  bool full_catalogue = true;
  std::string output;  // folder for metrics.json and cases.tsv; empty = print only
  int64_t batch_cases = 512;
  model::ComputePath compute = model::ComputePath::kAuto;

  std::vector<std::string> Problems() const;
};
void Describe(settings::Settings& settings, EvaluateConfig& config);

}  // namespace ppr::stages
