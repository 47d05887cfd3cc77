// Settings in stored configs: written and read back for every kind of model, compared, and read from
// checkpoints that do not have all of them.
#include "stages/config_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "base/errors.h"

namespace ppr::stages {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::string Stored(const model::EncoderConfig& encoder) { return ConfigJson(TuneConfig(), encoder, {}); }

// `json` without the two settings that came later.
std::string AsWrittenBefore(std::string json) {
  for (const std::string field : {"\"attention\":\"causal\",", "\"backbone\":\"transformer\","}) {
    const size_t at = json.find(field);
    EXPECT_NE(at, std::string::npos) << json;
    if (at != std::string::npos) json.erase(at, field.size());
  }
  return json;
}

TEST(ConfigJson, KeepsTheKindOfEncoder) {
  model::EncoderConfig encoder;
  encoder.attention = model::AttentionSpan::kBidirectional;
  EXPECT_EQ(ParseStoredModel(Stored(encoder), "here").encoder.attention,
            model::AttentionSpan::kBidirectional);
  encoder = {};
  encoder.backbone = model::Backbone::kGru;
  encoder.blocks = 3;
  const model::EncoderConfig read = ParseStoredModel(Stored(encoder), "here").encoder;
  EXPECT_EQ(read.backbone, model::Backbone::kGru);
  EXPECT_EQ(read.attention, model::AttentionSpan::kCausal);
  EXPECT_EQ(read.blocks, 3);
  EXPECT_THAT(
      ConfigDifferences(Stored({}), Stored(encoder)),
      UnorderedElementsAre(HasSubstr("encoder/backbone: expected \"transformer\", as the checkpoint has it"),
                           HasSubstr("encoder/blocks: expected 2, as the checkpoint has it")));
}

TEST(ConfigJson, EncodersWrittenBeforeTheseSettingsAreCausalTransformers) {
  const std::string before = AsWrittenBefore(Stored({}));
  const model::EncoderConfig read = ParseStoredModel(before, "here").encoder;
  EXPECT_EQ(read.backbone, model::Backbone::kTransformer);
  EXPECT_EQ(read.attention, model::AttentionSpan::kCausal);
  EXPECT_THAT(ConfigDifferences(before, Stored({})), IsEmpty());  // such a run can be resumed
}

// `json` without the fields `names` of its object `part`, or without that object.
std::string Without(const std::string& text, const std::string& part, const std::vector<std::string>& names) {
  nlohmann::json json = nlohmann::json::parse(text);
  for (const std::string& name : names) EXPECT_EQ(json.at(part).erase(name), 1u) << name;
  if (names.empty()) json.erase(part);
  return json.dump();
}

TEST(ConfigJson, ModelsWrittenBeforeThereWereOthersAreSasrecWithPersonalPrompts) {
  TuneConfig tuned;
  tuned.prompt.num_tokens = 3;
  const std::string now = ConfigJson(tuned, {}, {});
  const std::string before = Without(Without(now, "prompt", {"kind", "user_vectors"}), "tune",
                                     {"predict_field", "shots", "other_domain"});
  const StoredModel read = ParseStoredModel(before, "here");
  EXPECT_EQ(read.prompt.kind, model::PromptKind::kPersonal);
  EXPECT_EQ(read.prompt.num_tokens, 3);
  EXPECT_FALSE(read.other_domain);
  EXPECT_THAT(ConfigDifferences(before, now), IsEmpty());
  const std::string pretrained = ConfigJson(PretrainConfig());
  const std::string old = Without(pretrained, "pretrain", {});
  EXPECT_EQ(ParseStoredModel(old, "here").kind, ModelKind::kSasrec);
  EXPECT_THAT(ConfigDifferences(old, pretrained), IsEmpty());
}

TEST(ConfigJson, RefusesAnEncoderItDoesNotKnow) {
  std::string json = Stored({});
  json.replace(json.find("\"transformer\""), 13, "\"lstm\"");
  try {
    ParseStoredModel(json, "here");
    FAIL() << "an unknown backbone was read";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("here, encoder.backbone: found \"lstm\""));
  }
}

// A setting per kind of model that differs from the defaults in all that this kind reads.
PretrainConfig ConfigOf(ModelKind kind) {
  PretrainConfig config;
  config.kind = kind;
  config.training.seed = 77;
  config.training.loss = model::NextItemLoss::kBce;
  config.training.learning_rate = {.base = 0.25, .warmup_steps = 12};
  config.training.optimiser.adam = {.beta1 = 0.5, .beta2 = 0.75, .epsilon = 0.125};
  config.encoder.width = 24;
  if (kind == ModelKind::kGru4rec) config.encoder.backbone = model::Backbone::kGru;
  if (kind == ModelKind::kBert4rec) config.encoder.attention = model::AttentionSpan::kBidirectional;
  config.prompt.hidden_width = 5;
  config.augmentation = {.weight = 0.3, .temperature = 0.4, .crop = 0.7, .mask = 0.1, .reorder = 0.6};
  config.masked = {.mask_prob = 0.35, .last_share = 0.25};
  config.melu = {.local_rate = 0.03, .local_steps = 4, .support_clicks = 6};
  config.minet = {.target_clicks = 3, .source_clicks = 8};
  return config;
}

const std::vector<ModelKind> kKinds = {ModelKind::kSasrec,  ModelKind::kCl4srec, ModelKind::kBert4rec,
                                       ModelKind::kGru4rec, ModelKind::kMelu,    ModelKind::kMinet};
const recommender::ProfileInput kFields{
    .names = {"age", "city"}, .columns = {0, 1}, .vocabulary_sizes = {3, 4}};

TEST(ConfigJson, EveryKindOfModelIsReadBackAsItWas) {
  for (const ModelKind kind : kKinds) {
    const bool scores_pairs = kind == ModelKind::kMelu || kind == ModelKind::kMinet;
    for (const bool profile_model : {false, true}) {
      PretrainConfig config = ConfigOf(kind);
      config.profile_model = profile_model;
      const StoredModel read = ParseStoredModel(
          ConfigJson(config, profile_model || scores_pairs ? kFields : recommender::ProfileInput{}, "abc"),
          "here");
      EXPECT_EQ(read.kind, kind);
      EXPECT_EQ(read.seed, 77u);
      EXPECT_EQ(read.loss, model::NextItemLoss::kBce);
      EXPECT_EQ(read.learning_rate.base, 0.25);
      EXPECT_EQ(read.learning_rate.warmup_steps, 12);
      EXPECT_EQ(read.adam.epsilon, 0.125);
      EXPECT_EQ(read.encoder.width, 24);
      EXPECT_EQ(read.encoder.backbone, config.encoder.backbone);
      EXPECT_EQ(read.encoder.attention, config.encoder.attention);
      EXPECT_EQ(read.has_prompt, profile_model || scores_pairs);
      EXPECT_EQ(read.predict_field, "");
      EXPECT_FALSE(read.other_domain);
      if (!read.has_prompt) continue;
      EXPECT_EQ(read.profile_fields, kFields.names);
      EXPECT_EQ(read.vocabulary_sizes, kFields.vocabulary_sizes);
      EXPECT_EQ(read.prompt.num_tokens, 0) << "a profile model, and no prompt";
      EXPECT_EQ(read.prompt.hidden_width, 5);
    }
  }
}

TEST(ConfigJson, PairScorersAreReadBackWithTheirSettings) {
  const StoredModel melu = ParseStoredModel(ConfigJson(ConfigOf(ModelKind::kMelu), kFields), "here");
  EXPECT_EQ(melu.melu.local_rate, 0.03);
  EXPECT_EQ(melu.melu.local_steps, 4);
  EXPECT_EQ(melu.melu.support_clicks, 6);
  const StoredModel minet = ParseStoredModel(ConfigJson(ConfigOf(ModelKind::kMinet), kFields, "abc"), "here");
  EXPECT_EQ(minet.minet.target_clicks, 3);
  EXPECT_EQ(minet.minet.source_clicks, 8);
  EXPECT_EQ(minet.source_digest, "abc");
}

// The number of settings that resuming under `change` complains of.
size_t Complaints(ModelKind kind, const std::function<void(PretrainConfig&)>& change,
                  const std::string& source_digest = "abc") {
  PretrainConfig config = ConfigOf(kind);
  const std::string before = ConfigJson(config, kFields, "abc");
  change(config);
  return ConfigDifferences(before, ConfigJson(config, kFields, source_digest)).size();
}

TEST(ConfigJson, AResumedRunHasTheSettingsThatItsModelReads) {
  const auto pair = [](PretrainConfig& config) { config.augmentation.crop = 0.9; };
  const auto masked = [](PretrainConfig& config) { config.masked.last_share = 0; };
  const auto melu = [](PretrainConfig& config) { config.melu.local_rate = 1; };
  const auto minet = [](PretrainConfig& config) { config.minet.source_clicks = 1; };
  for (const ModelKind kind : kKinds) {
    EXPECT_EQ(Complaints(kind, pair), kind == ModelKind::kCl4srec ? 1u : 0u);
    EXPECT_EQ(Complaints(kind, masked), kind == ModelKind::kBert4rec ? 1u : 0u);
    EXPECT_EQ(Complaints(kind, melu), kind == ModelKind::kMelu ? 1u : 0u);
    EXPECT_EQ(Complaints(kind, minet), kind == ModelKind::kMinet ? 1u : 0u);
    EXPECT_EQ(Complaints(
                  kind, [](PretrainConfig&) {}, "other"),
              kind == ModelKind::kMinet ? 1u : 0u);
    // Whom it trains on, and which of their clicks.
    EXPECT_EQ(Complaints(kind, [](PretrainConfig& config) { config.shots = 3; }), 0u) << "warm users alone";
    EXPECT_EQ(Complaints(kind, [](PretrainConfig& config) { config.users = TrainingUsers::kAll; }), 3u);
    EXPECT_EQ(Complaints(kind, [](PretrainConfig& config) { config.training.max_steps = 9; }), 0u);
  }
  EXPECT_THAT(
      ConfigDifferences(ConfigJson(ConfigOf(ModelKind::kMelu)), ConfigJson(ConfigOf(ModelKind::kMinet))),
      testing::Contains(HasSubstr("model: expected \"melu\", as the checkpoint has it, found \"minet\"")));
}

TEST(ConfigJson, WhatWasTunedIsReadBack) {
  TuneConfig config;
  config.task = evaluation::EvaluationTask::kProfile;
  config.predict_field = "gender";
  config.shots = 5;
  config.prompt = {.kind = model::PromptKind::kShared,
                   .num_tokens = 3,
                   .user_vectors = false,
                   .hidden_width = 9,
                   .shared_tables = true,
                   .use_profile_model = true,
                   .projector_width = 2};
  const StoredModel predicts = ParseStoredModel(ConfigJson(config, {}, kFields), "here");
  EXPECT_EQ(predicts.kind, ModelKind::kSasrec);
  EXPECT_EQ(predicts.predict_field, "gender");
  EXPECT_FALSE(predicts.other_domain);
  EXPECT_TRUE(predicts.has_prompt);
  EXPECT_EQ(predicts.prompt.kind, model::PromptKind::kShared);
  EXPECT_EQ(predicts.prompt.num_tokens, 3);
  EXPECT_TRUE(predicts.prompt.shared_tables);
  EXPECT_EQ(predicts.prompt.projector_width, 2);
  EXPECT_EQ(predicts.profile_fields, kFields.names);

  config = {};
  config.source_dataset = "grocery.h5";
  config.training.learning_rate.base = 0.25;
  config.new_learning_rate = {.base = 0.5, .warmup_steps = 7};
  config.prompt.kind = model::PromptKind::kUserVector;
  config.prompt.user_vectors = true;
  const std::string json = ConfigJson(config, {}, kFields);
  const StoredModel across = ParseStoredModel(json, "here");
  EXPECT_TRUE(across.other_domain);
  EXPECT_EQ(across.prompt.kind, model::PromptKind::kUserVector);
  EXPECT_TRUE(across.prompt.user_vectors);
  EXPECT_EQ(across.predict_field, "");
  EXPECT_EQ(across.learning_rate.base, 0.5) << "the rows are new, and learn as the new parts do";
  EXPECT_EQ(across.learning_rate.warmup_steps, 7);
  config.source_dataset = "a/copy/of/grocery.h5";
  EXPECT_THAT(ConfigDifferences(json, ConfigJson(config, {}, kFields)), IsEmpty())
      << "where it lies is no matter";
}

TEST(ConfigJson, NamesWhatAStoredModelLacks) {
  const auto message = [](std::string json, const std::string& cut) {
    const size_t at = json.find(cut);
    EXPECT_NE(at, std::string::npos) << json;
    json.erase(at, cut.size());
    try {
      ParseStoredModel(json, "here");
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string("read");
  };
  EXPECT_EQ(message(ConfigJson(ConfigOf(ModelKind::kMelu), kFields), "\"local_steps\":4,"),
            "here, pretrain.melu.local_steps: expected a value, found none");
  EXPECT_EQ(message(ConfigJson(ConfigOf(ModelKind::kMinet), kFields, "abc"), "\"source_digest\":\"abc\","),
            "here, pretrain.minet.source_digest: expected a value, found none");
}

}  // namespace
}  // namespace ppr::stages
