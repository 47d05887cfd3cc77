// The encoder in stored configs: written, read back, and read from checkpoints that do not have all of it.
#include "train/config_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"

namespace ppr::train {
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
  EXPECT_THAT(ConfigDifferences(Stored({}), Stored(encoder)),
              UnorderedElementsAre(HasSubstr("encoder/backbone: the checkpoint has \"transformer\""),
                                   HasSubstr("encoder/blocks: the checkpoint has 2")));
}

TEST(ConfigJson, EncodersWrittenBeforeTheseSettingsAreCausalTransformers) {
  const std::string before = AsWrittenBefore(Stored({}));
  const model::EncoderConfig read = ParseStoredModel(before, "here").encoder;
  EXPECT_EQ(read.backbone, model::Backbone::kTransformer);
  EXPECT_EQ(read.attention, model::AttentionSpan::kCausal);
  EXPECT_THAT(ConfigDifferences(before, Stored({})), IsEmpty());  // such a run can be resumed
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

}  // namespace
}  // namespace ppr::train
