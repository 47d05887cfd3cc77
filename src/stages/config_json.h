// Configs as JSON text: stored in checkpoints, compared on resume, read back by the next stage.
#pragma once

#include <string>
#include <vector>

#include "model/encoder_config.h"
#include "recommender/profile_input.h"
#include "stages/stage_config.h"

namespace ppr::stages {

// Everything that decides what a run computes, and nothing else: not where it writes, how long it trains, or
// how it looks.
// `profile` are the fields that the model reads, source_digest that of config.source_dataset.
std::string ConfigJson(const PretrainConfig& config, const recommender::ProfileInput& profile = {},
                       const std::string& source_digest = "");
// `encoder` is the pre-trained one; `profile` the fields used.
std::string ConfigJson(const TuneConfig& config, const model::EncoderConfig& encoder,
                       const recommender::ProfileInput& profile);

// What a checkpoint's config says of the model. `where` names the checkpoint in errors; DataError names
// missing fields.
struct StoredModel {
  ModelKind kind = ModelKind::kSasrec;
  model::EncoderConfig encoder;
  bool has_prompt = false;
  model::PromptConfig prompt;
  std::vector<std::string> profile_fields;
  std::vector<int64_t> vocabulary_sizes;
  train::MeluSettings melu;    // of kMelu
  train::MinetSettings minet;  // of kMinet
  model::NextItemLoss loss = model::NextItemLoss::kBpr;
  std::string source_digest;  // of the other domain's dataset; kMinet
  std::string predict_field;  // of a model that was tuned to predict a profile value
  bool other_domain = false;  // tuned for another dataset than it was pre-trained on
  uint64_t seed = 1;
  optim::AdamConfig adam;             // of the rows, to catch up those of a checkpoint of format 1
  optim::LearningRate learning_rate;  // of the rows as well
};
StoredModel ParseStoredModel(const std::string& config_json, const std::string& where);

// "flag: expected X, as the checkpoint has it, found Y" for every difference between a stored config and this
// run's; empty when equal.
std::vector<std::string> ConfigDifferences(const std::string& stored_json, const std::string& current_json);

}  // namespace ppr::stages
