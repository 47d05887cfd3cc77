#include "stages/config_json.h"

#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "stages/setting_names.h"

namespace ppr::stages {
namespace {

using Json = nlohmann::json;

Json EncoderJson(const model::EncoderConfig& config) {
  return {{"backbone", NameOf(config.backbone)},
          {"attention", NameOf(config.attention)},
          {"blocks", config.blocks},
          {"heads", config.heads},
          {"width", config.width},
          {"ffn_width", config.ffn_width},
          {"max_history", config.max_history},
          {"norm", NameOf(config.norm)},
          {"activation", NameOf(config.activation)},
          {"dropout", config.dropout},
          {"scale_embedding", config.scale_embedding},
          {"embedding_norm", config.embedding_norm},
          {"output_projection", config.output_projection},
          {"final_norm", config.final_norm},
          {"residual_from_norm", config.residual_from_norm},
          {"position_origin", NameOf(config.position_origin)},
          {"init_std", config.init_std}};
}

Json TrainingJson(const train::TrainingConfig& config) {
  return {{"seed", config.seed},
          {"batch_size", config.batch_size},
          {"loss", NameOf(config.loss)},
          {"negatives", config.negatives},
          {"negative_sharing", NameOf(config.negative_sharing)},
          {"learning_rate", config.learning_rate.base},
          {"warmup_steps", config.learning_rate.warmup_steps},
          {"beta1", config.optimiser.adam.beta1},
          {"beta2", config.optimiser.adam.beta2},
          {"epsilon", config.optimiser.adam.epsilon},
          {"metric", config.metric},
          {"evaluate_every_steps", config.evaluate_every_steps}};
}

Json PromptJson(const model::PromptConfig& prompt, const recommender::ProfileInput& profile) {
  return {{"kind", NameOf(prompt.kind)},
          {"user_vectors", prompt.user_vectors},
          {"num_tokens", prompt.num_tokens},
          {"hidden_width", prompt.hidden_width},
          {"shared_tables", prompt.shared_tables},
          {"use_profile_model", prompt.use_profile_model},
          {"projector_width", prompt.projector_width},
          {"fields", profile.names},
          {"vocabulary_sizes", profile.vocabulary_sizes}};
}

// What else decides a pre-training; of the kinds of model, only what this one reads.
Json PretrainJson(const PretrainConfig& config, const std::string& source_digest) {
  Json json = {{"model", NameOf(config.model)}, {"users", NameOf(config.users)}};
  if (config.users == TrainingUsers::kAll) {
    json["task"] = NameOf(config.task);
    json["shots"] = config.shots;
  }
  if (config.model == ModelKind::kCl4srec) {
    json["pair"] = {{"weight", config.augmentation.weight},
                    {"temperature", config.augmentation.temperature},
                    {"crop", config.augmentation.crop},
                    {"mask", config.augmentation.mask},
                    {"reorder", config.augmentation.reorder}};
  }
  if (config.model == ModelKind::kBert4rec)
    json["masked"] = {{"ratio", config.masked.ratio}, {"last_share", config.masked.last_share}};
  if (config.model == ModelKind::kMelu) {
    json["melu"] = {{"local_rate", config.melu.local_rate},
                    {"local_steps", config.melu.local_steps},
                    {"support_clicks", config.melu.support_clicks}};
  }
  if (config.model == ModelKind::kMinet) {
    json["minet"] = {{"target_clicks", config.minet.target_clicks},
                     {"source_clicks", config.minet.source_clicks},
                     {"source_digest", source_digest}};
  }
  return json;
}

Json ContrastiveJson(const train::ContrastiveConfig& config) {
  return {{"weight", config.weight},
          {"temperature", config.temperature},
          {"views", NameOf(config.views)},
          {"profile_mask_ratio", config.profile_mask_ratio},
          {"behaviour_mask_ratio", config.behaviour_mask_ratio},
          {"behaviour", NameOf(config.behaviour)}};
}

Json ParseObject(const std::string& text, const std::string& where) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) throw DataError(where + ": expected a JSON object, found something else");
  return json;
}

// Checkpoints written before a setting existed were made with what is now its default.
void AddNewerSettings(Json* config) {
  const auto add = [config](const char* part, const Json& defaults) {
    const auto at = config->find(part);
    if (at == config->end() || !at->is_object()) return;
    for (const auto& [name, value] : defaults.items()) at->emplace(name, value);
  };
  const model::EncoderConfig encoder;
  const model::PromptConfig prompt;
  add("encoder", {{"backbone", NameOf(encoder.backbone)}, {"attention", NameOf(encoder.attention)}});
  add("prompt", {{"kind", NameOf(prompt.kind)}, {"user_vectors", prompt.user_vectors}});
  add("tune", {{"predict_field", ""}, {"shots", 0}, {"other_domain", false}});
  if (!config->contains("tune") && !config->contains("pretrain"))
    (*config)["pretrain"] = {{"model", NameOf(ModelKind::kSasrec)}, {"users", NameOf(TrainingUsers::kWarm)}};
}

// Reads fields of one object; errors name the place and the field.
class FieldReader {
 public:
  FieldReader(const Json& parent, const std::string& name, std::string where)
      : where_(std::move(where) + ", " + name) {
    const auto at = parent.find(name);
    if (at == parent.end() || !at->is_object()) throw DataError(where_ + ": expected an object, found none");
    object_ = *at;
  }

  template <typename T>
  void Read(const char* name, T* value) const {
    const auto at = object_.find(name);
    if (at == object_.end()) throw DataError(where_ + "." + name + ": expected a value, found none");
    try {
      *value = at->get<T>();
    } catch (const Json::exception& error) {
      throw DataError(where_ + "." + name + ": " + error.what());
    }
  }

  template <typename Enum>
  void ReadName(const char* name, Enum* value) const {
    std::string text;
    Read(name, &text);
    const std::optional<Enum> known = ValueNamed<Enum>(text);
    if (!known)
      throw DataError(where_ + "." + name + ": found \"" + text + "\", which this version does not know");
    *value = *known;
  }

 private:
  std::string where_;
  Json object_;
};

model::EncoderConfig ParseEncoder(const Json& json, const std::string& where) {
  const FieldReader reader(json, "encoder", where);
  model::EncoderConfig config;
  reader.ReadName("backbone", &config.backbone);
  reader.ReadName("attention", &config.attention);
  reader.Read("blocks", &config.blocks);
  reader.Read("heads", &config.heads);
  reader.Read("width", &config.width);
  reader.Read("ffn_width", &config.ffn_width);
  reader.Read("max_history", &config.max_history);
  reader.ReadName("norm", &config.norm);
  reader.ReadName("activation", &config.activation);
  reader.Read("dropout", &config.dropout);
  reader.Read("scale_embedding", &config.scale_embedding);
  reader.Read("embedding_norm", &config.embedding_norm);
  reader.Read("output_projection", &config.output_projection);
  reader.Read("final_norm", &config.final_norm);
  reader.Read("residual_from_norm", &config.residual_from_norm);
  reader.ReadName("position_origin", &config.position_origin);
  reader.Read("init_std", &config.init_std);
  return config;
}

void ParsePrompt(const Json& json, const std::string& where, StoredModel* model) {
  const FieldReader reader(json, "prompt", where);
  model->has_prompt = true;
  reader.ReadName("kind", &model->prompt.kind);
  reader.Read("user_vectors", &model->prompt.user_vectors);
  reader.Read("num_tokens", &model->prompt.num_tokens);
  reader.Read("hidden_width", &model->prompt.hidden_width);
  reader.Read("shared_tables", &model->prompt.shared_tables);
  reader.Read("use_profile_model", &model->prompt.use_profile_model);
  reader.Read("projector_width", &model->prompt.projector_width);
  reader.Read("fields", &model->profile_fields);
  reader.Read("vocabulary_sizes", &model->vocabulary_sizes);
}

void ParsePretrain(const Json& json, const std::string& where, StoredModel* model) {
  FieldReader(json, "pretrain", where).ReadName("model", &model->kind);
  FieldReader(json, "training", where).ReadName("loss", &model->loss);
  if (model->kind == ModelKind::kMelu) {
    const FieldReader melu(json["pretrain"], "melu", where);
    melu.Read("local_rate", &model->melu.local_rate);
    melu.Read("local_steps", &model->melu.local_steps);
    melu.Read("support_clicks", &model->melu.support_clicks);
  }
  if (model->kind == ModelKind::kMinet) {
    const FieldReader minet(json["pretrain"], "minet", where);
    minet.Read("target_clicks", &model->minet.target_clicks);
    minet.Read("source_clicks", &model->minet.source_clicks);
    minet.Read("source_digest", &model->source_digest);
  }
}

std::string Dump(const Json& json) {
  try {
    return json.dump();
  } catch (const Json::exception&) {
    throw DataError(
        "profile field names: expected UTF-8, found other bytes; name the columns anew and prepare again");
  }
}

}  // namespace

std::string ConfigJson(const PretrainConfig& config, const recommender::ProfileInput& profile,
                       const std::string& source_digest) {
  Json json = {{"encoder", EncoderJson(config.encoder)},
               {"training", TrainingJson(config.training)},
               {"pretrain", PretrainJson(config, source_digest)}};
  const bool reads_profiles =
      config.profile_model || config.model == ModelKind::kMelu || config.model == ModelKind::kMinet;
  if (reads_profiles) json["prompt"] = PromptJson(ProfileModelOnly(config), profile);
  return Dump(json);
}

std::string ConfigJson(const TuneConfig& config, const model::EncoderConfig& encoder,
                       const recommender::ProfileInput& profile) {
  const Json json = {{"encoder", EncoderJson(encoder)},
                     {"training", TrainingJson(config.training)},
                     {"prompt", PromptJson(config.prompt, profile)},
                     {"contrastive", ContrastiveJson(config.contrastive)},
                     {"tune",
                      {{"method", NameOf(config.method)},
                       {"task", NameOf(config.task)},
                       {"predict_field", config.predict_field},
                       {"shots", config.shots},
                       {"other_domain", !config.source_dataset.empty()},
                       {"profile_init", NameOf(config.profile_init)},
                       {"new_learning_rate", config.new_learning_rate.base},
                       {"new_warmup_steps", config.new_learning_rate.warmup_steps}}}};
  return Dump(json);
}

StoredModel ParseStoredModel(const std::string& config_json, const std::string& where) {
  Json json = ParseObject(config_json, where);
  AddNewerSettings(&json);
  StoredModel model;
  model.encoder = ParseEncoder(json, where);
  const FieldReader training(json, "training", where);
  training.Read("seed", &model.seed);
  training.Read("beta1", &model.adam.beta1);
  training.Read("beta2", &model.adam.beta2);
  training.Read("epsilon", &model.adam.epsilon);
  training.Read("learning_rate", &model.learning_rate.base);
  training.Read("warmup_steps", &model.learning_rate.warmup_steps);
  if (json.contains("prompt")) ParsePrompt(json, where, &model);
  if (json.contains("pretrain")) ParsePretrain(json, where, &model);
  if (json.contains("tune")) {
    const FieldReader tune(json, "tune", where);
    tune.Read("predict_field", &model.predict_field);
    tune.Read("other_domain", &model.other_domain);
    if (model.other_domain) {  // whose rows are new
      tune.Read("new_learning_rate", &model.learning_rate.base);
      tune.Read("new_warmup_steps", &model.learning_rate.warmup_steps);
    }
  }
  return model;
}

std::vector<std::string> ConfigDifferences(const std::string& stored_json, const std::string& current_json) {
  Json stored_config = Json::parse(stored_json, nullptr, false);
  AddNewerSettings(&stored_config);
  const Json stored = stored_config.flatten();
  const Json current = Json::parse(current_json, nullptr, false).flatten();
  std::vector<std::string> differences;
  for (const auto& [field, value] : stored.items()) {
    const auto at = current.find(field);
    if (at == current.end() || *at != value) {
      differences.push_back(field.substr(1) + ": the checkpoint has " + value.dump() + ", this run has " +
                            (at == current.end() ? "nothing" : at->dump()));
    }
  }
  for (const auto& [field, value] : current.items()) {
    if (!stored.contains(field))
      differences.push_back(field.substr(1) + ": the checkpoint has nothing, this run has " + value.dump());
  }
  return differences;
}

}  // namespace ppr::stages
