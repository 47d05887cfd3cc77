// One description of a config serves flags, their values, limits and presets.
#include "settings/settings.h"

#include <gmock/gmock.h>

#include "base/errors.h"
#include "settings/flag_set.h"
#include "unit/settings/small_config.h"

namespace ppr::settings {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

FlagSet FlagSetOf(const Settings& settings) { return FlagSet("small", TopicsOf(settings), {}); }

TEST(Settings, BecomeFlagsByTopicWithTheConfigsValuesAsDefaults) {
  SmallConfig config;
  const std::vector<FlagTopic> topics = TopicsOf(SettingsOf(config));
  ASSERT_EQ(topics.size(), 2u);
  EXPECT_EQ(topics[0].title, "Data");
  ASSERT_EQ(topics[1].flags.size(), 6u) << "a fact has no flag";
  EXPECT_EQ(topics[1].flags[0].type, FlagType::kInt32);
  EXPECT_EQ(topics[1].flags[1].type, FlagType::kInt64);
  EXPECT_EQ(topics[1].flags[3].default_value, "0.2") << "the shortest text, not 0.20000000000000001";
  EXPECT_EQ(topics[1].flags[4].default_value, "age,city");
  EXPECT_EQ(topics[1].flags[5].default_value, "green");
  EXPECT_EQ(topics[0].flags[1].type, FlagType::kBool);
}

TEST(Settings, TakeTheValuesOfFlagsOfEveryTypeAtItsLimits) {
  SmallConfig config;
  const Settings all = SettingsOf(config);
  FlagSet flags = FlagSetOf(all);
  flags.Parse({"--resume", "--ranks=-2147483648", "--width=-9223372036854775808",
               "--seed=18446744073709551615", "--rate=1e-5", "--dataset=", "--fields=a , b,",
               "--colour=red"});
  flags.AssignTo(all);
  EXPECT_THAT(flags.problems(), IsEmpty());
  EXPECT_TRUE(config.resume);
  EXPECT_EQ(config.ranks, INT32_MIN);
  EXPECT_EQ(config.width, INT64_MIN);
  EXPECT_EQ(config.seed, UINT64_MAX);
  EXPECT_EQ(config.rate, 1e-5);
  EXPECT_EQ(config.dataset, "");
  EXPECT_THAT(config.fields, ElementsAre("a", "b"));
  EXPECT_EQ(config.colour, Colour::kRed);
  EXPECT_THAT(all.Problems(), ElementsAre("dataset: expected a path, found nothing",
                                          "ranks: expected at least 0, found -2147483648",
                                          HasSubstr("width: expected at least 1, found -9")));
}

TEST(Settings, AChoiceIsOneOfThoseOffered) {
  SmallConfig config;
  const Settings all = SettingsOf(config);
  FlagSet flags = FlagSetOf(all);
  flags.Parse({"--colour=blue"});
  flags.AssignTo(all);
  EXPECT_THAT(flags.problems(),
              ElementsAre("--colour (command line): expected one of red, green, found \"blue\""));
}

TEST(Settings, LimitsRefuseWhatIsNoNumber) {
  for (const double wrong : {-0.1, 1.0, std::nan(""), HUGE_VAL}) {
    SmallConfig config{.rate = wrong};
    EXPECT_THAT(SettingsOf(config).Problems(), ElementsAre(HasSubstr("rate: expected a share in [0, 1)")));
  }
  SmallConfig config{.rate = 0};
  EXPECT_THAT(SettingsOf(config).Problems(), IsEmpty());
}

TEST(Settings, AnEarlierNameIsTakenAndSaysTheNewOne) {
  SmallConfig config;
  const Settings all = SettingsOf(config);
  FlagSet flags = FlagSetOf(all);
  flags.Parse({"--old_rate=0.5"});
  flags.AssignTo(all);
  EXPECT_THAT(flags.problems(), IsEmpty());
  EXPECT_EQ(config.rate, 0.5);
  EXPECT_THAT(flags.notes(), ElementsAre("--old_rate (command line) is now called --rate"));
  EXPECT_THAT(flags.ResolvedText(), HasSubstr("--rate=0.5\n"));
}

TEST(Settings, NumbersAreWrittenAsPeopleDo) {
  for (const auto& [rate, text] : std::vector<std::pair<double, std::string>>{
           {1e-4, "0.0001"}, {1e-8, "1e-08"}, {0, "0"}, {-1, "-1"}, {600, "600"}, {0.72, "0.72"}}) {
    SmallConfig config{.rate = rate};
    Settings all = SettingsOf(config);
    Settings one;
    one.Take(all, &config.rate);
    EXPECT_EQ(one.all()[0].text(), text);
  }
}

TEST(Settings, APresetIsWhatAChangedConfigChanges) {
  SmallConfig base, changed{.width = 32, .colour = Colour::kRed};
  EXPECT_THAT(ChangedFlags(SettingsOf(base), SettingsOf(changed)),
              ElementsAre(Pair("width", "32"), Pair("colour", "red")));
}

TEST(Settings, AreTakenOneByOneByTheirField) {
  SmallConfig config;
  const Settings all = SettingsOf(config);
  Settings some;
  some.Topic("Mine");
  some.Take(all, &config.rate);
  ASSERT_EQ(some.all().size(), 1u);
  EXPECT_EQ(some.all()[0].flag(), "rate");
  EXPECT_EQ(some.all()[0].topic, "Mine");
  EXPECT_EQ(all.FlagOf(&config.colour), "colour");
  EXPECT_THROW(some.Take(all, &some), BugError);
}

}  // namespace
}  // namespace ppr::settings
