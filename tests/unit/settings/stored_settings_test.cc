// Settings as JSON: what is stored is read back, older files are completed, differences name the flag.
#include "settings/stored_settings.h"

#include <gmock/gmock.h>

#include "base/errors.h"
#include "unit/settings/small_config.h"

namespace ppr::settings {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

constexpr char kStored[] =
    R"({"model":{"fields":["age","city"],"hue":"green","ranks":3,"rate":0.2,"seed":6,"sizes":[3,4],"width":64}})";

TEST(StoredSettings, AreOneLineWithSortedKeysAndNothingThatIsNotStored) {
  SmallConfig config;
  EXPECT_EQ(StoredJson(SettingsOf(config)), kStored);
}

TEST(StoredSettings, AreReadBack) {
  SmallConfig written{.ranks = 1,
                      .width = 8,
                      .seed = UINT64_MAX,
                      .rate = 0.75,
                      .fields = {},
                      .colour = Colour::kBlue,
                      .sizes = {9}};
  const std::string json = StoredJson(SettingsOf(written));
  SmallConfig read;
  ReadStored(json, "here", SettingsOf(read));
  EXPECT_EQ(StoredJson(SettingsOf(read)), json);
  EXPECT_EQ(read.colour, Colour::kBlue) << "stored, though a person is not offered it";
  EXPECT_EQ(read.dataset, "d.h5") << "not stored, and so left as it was";
}

TEST(StoredSettings, OlderFilesLackNewerFieldsOnly) {
  SmallConfig read{.colour = Colour::kRed};
  ReadStored(R"({"model":{"fields":[],"ranks":3,"rate":0.2,"seed":6,"sizes":[],"width":64}})", "old",
             SettingsOf(read));
  EXPECT_EQ(read.colour, Colour::kRed);
  const auto reading = [&](const std::string& json) {
    return [&read, json] { ReadStored(json, "old", SettingsOf(read)); };
  };
  EXPECT_THAT(reading(R"({"model":{"fields":[],"rate":0.2,"seed":6,"sizes":[],"width":64}})"),
              ThrowsMessage<DataError>(HasSubstr("old, model.ranks: expected a value, found none")));
  EXPECT_THAT(reading("{}"),
              ThrowsMessage<DataError>(HasSubstr("old, model: expected an object, found none")));
  EXPECT_THAT(reading("[]"), ThrowsMessage<DataError>(HasSubstr("expected a JSON object")));
  EXPECT_THAT(reading(R"({"model":{"fields":[],"ranks":"x"}})"),
              ThrowsMessage<DataError>(HasSubstr("old, model.ranks: ")));
}

TEST(StoredSettings, DifferencesNameTheFlagAndBothValues) {
  SmallConfig defaults, changed{.rate = 0.5, .sizes = {1}};
  const Settings known = SettingsOf(defaults);
  EXPECT_THAT(StoredDifferences(kStored, kStored, known), IsEmpty());
  EXPECT_THAT(StoredDifferences(kStored, StoredJson(SettingsOf(changed)), known),
              ElementsAre("rate: expected 0.2, as the checkpoint has it, found 0.5",
                          "model/sizes/0: expected 3, as the checkpoint has it, found 1",
                          "model/sizes/1: expected 4, as the checkpoint has it, found nothing"));
}

TEST(StoredSettings, WhatAnOlderFileLacksWasTheDefault) {
  SmallConfig defaults, red{.colour = Colour::kRed};
  const Settings known = SettingsOf(defaults);
  const std::string older =
      R"({"model":{"fields":["age","city"],"ranks":3,"rate":0.2,"seed":6,"sizes":[3,4],"width":64}})";
  EXPECT_THAT(StoredDifferences(older, kStored, known), IsEmpty());
  EXPECT_THAT(StoredDifferences(older, StoredJson(SettingsOf(red)), known),
              ElementsAre("colour: expected \"green\", as the checkpoint has it, found \"red\""));
}

TEST(StoredSettings, ConditionsAreAskedAfterWhatStandsBeforeThem) {
  struct {
    bool has = false;
    int64_t size = 1;
  } config;
  Settings settings;
  settings.Section("part").Add(&config.has, {.flag = "has", .help = ""});
  settings.StoredWhile([&config] { return config.has; }).Add(&config.size, {.flag = "size", .help = ""});
  EXPECT_EQ(StoredJson(settings), R"({"part":{"has":false}})");
  ReadStored(R"({"part":{"has":true,"size":7}})", "here", settings);
  EXPECT_EQ(config.size, 7);
}

}  // namespace
}  // namespace ppr::settings
