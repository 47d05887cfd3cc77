#include "stages/config_json.h"

#include "settings/stored_settings.h"

namespace ppr::stages {
namespace {

using settings::Settings;

// The fields of a model's profiles, stored with its prompt.
void AddProfileFacts(Settings& settings, std::vector<std::string>* names,
                     std::vector<int64_t>* vocabulary_sizes) {
  settings.Section("prompt");
  settings.AddFact(names, "fields");
  settings.AddFact(vocabulary_sizes, "vocabulary_sizes");
}

void AddSourceDigest(Settings& settings, std::string* digest) {
  settings.Section("pretrain/minet").AddFact(digest, "source_digest");
}

// True of a model that was tuned for another data set than it was pre-trained on.
void AddOtherDomain(Settings& settings, bool* other_domain) {
  settings.Section("tune").AddFact(other_domain, "other_domain", /*newer=*/true);
}

// What is read of a pre-training: the kind of model and what it is rebuilt from.
void ReadPretrained(const std::string& json, const std::string& where, StoredModel* model) {
  PretrainConfig config;
  const Settings all = settings::SettingsOf(config);
  Settings kind;
  kind.Take(all, &config.kind);
  kind.Take(all, &config.training.loss);
  settings::ReadStored(json, where, kind);
  model->kind = config.kind;
  model->loss = config.training.loss;
  Settings own;
  own.Section("pretrain/" + EntryOf(config.kind).section);
  if (config.kind == ModelKind::kMelu) Describe(own, model->melu);
  if (config.kind == ModelKind::kMinet) {
    Describe(own, model->minet);
    AddSourceDigest(own, &model->source_digest);
  }
  settings::ReadStored(json, where, own);
}

// What is read of a tuning; rows of another domain are new.
void ReadTuned(const std::string& json, const std::string& where, StoredModel* model) {
  TuneConfig config;
  const Settings all = settings::SettingsOf(config);
  Settings tuned;
  tuned.Take(all, &config.predict_field);
  tuned.Take(all, &config.new_learning_rate.base);
  tuned.Take(all, &config.new_learning_rate.warmup_steps);
  AddOtherDomain(tuned, &model->other_domain);
  settings::ReadStored(json, where, tuned);
  model->predict_field = config.predict_field;
  if (model->other_domain) model->learning_rate = config.new_learning_rate;
}

}  // namespace

std::string ConfigJson(const PretrainConfig& config, const recommender::ProfileInput& profile,
                       const std::string& source_digest) {
  PretrainConfig copy = config;
  recommender::ProfileInput fields = profile;
  std::string digest = source_digest;
  Settings all = settings::SettingsOf(copy);
  all.StoredWhile([&copy] { return ReadsProfiles(copy); });
  AddProfileFacts(all, &fields.names, &fields.vocabulary_sizes);
  all.StoredWhile([&copy] { return copy.kind == ModelKind::kMinet; });
  AddSourceDigest(all, &digest);
  return settings::StoredJson(all);
}

std::string ConfigJson(const TuneConfig& config, const model::EncoderConfig& encoder,
                       const recommender::ProfileInput& profile) {
  TuneConfig copy = config;
  model::EncoderConfig pretrained = encoder;
  recommender::ProfileInput fields = profile;
  bool other_domain = !config.source_dataset.empty();
  Settings all = settings::SettingsOf(copy);
  all.TakeStored(settings::SettingsOf(pretrained));
  AddProfileFacts(all, &fields.names, &fields.vocabulary_sizes);
  AddOtherDomain(all, &other_domain);
  return settings::StoredJson(all);
}

StoredModel ParseStoredModel(const std::string& config_json, const std::string& where) {
  StoredModel model;
  train::TrainingConfig training;
  Settings all_of_training;
  DescribeFiles(all_of_training, training);
  Describe(all_of_training, training);
  Settings read = settings::SettingsOf(model.encoder);
  for (const void* field : std::initializer_list<const void*>{
           &training.seed, &training.optimiser.adam.beta1, &training.optimiser.adam.beta2,
           &training.optimiser.adam.epsilon, &training.learning_rate.base,
           &training.learning_rate.warmup_steps}) {
    read.Take(all_of_training, field);
  }
  settings::ReadStored(config_json, where, read);
  model.seed = training.seed;
  model.adam = training.optimiser.adam;
  model.learning_rate = training.learning_rate;
  model.has_prompt = settings::HasSection(config_json, "prompt");
  if (model.has_prompt) {
    Settings prompt;
    DescribeStored(prompt, model.prompt);
    AddProfileFacts(prompt, &model.profile_fields, &model.vocabulary_sizes);
    settings::ReadStored(config_json, where, prompt);
  }
  const bool is_tuned = settings::HasSection(config_json, "tune");
  if (is_tuned) ReadTuned(config_json, where, &model);
  if (settings::HasSection(config_json, "pretrain") || !is_tuned) ReadPretrained(config_json, where, &model);
  return model;
}

std::vector<std::string> ConfigDifferences(const std::string& stored_json, const std::string& current_json) {
  PretrainConfig pretrain;
  TuneConfig tune;
  model::EncoderConfig encoder;
  bool other_domain = false;
  if (!settings::HasSection(current_json, "tune"))
    return settings::StoredDifferences(stored_json, current_json, settings::SettingsOf(pretrain));
  Settings all = settings::SettingsOf(tune);
  all.TakeStored(settings::SettingsOf(encoder));
  AddOtherDomain(all, &other_domain);
  return settings::StoredDifferences(stored_json, current_json, all);
}

}  // namespace ppr::stages
