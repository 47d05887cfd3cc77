// Command-line rules: spellings, types, precedence, and refusals that say where, what was expected, and what
// was found.
#include "settings/flag_set.h"

#include <gmock/gmock.h>

#include "settings/text_lists.h"
#include "unit/settings/flag_test_support.h"

namespace ppr::settings {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(FlagSet, DefaultsStandUntilSomethingIsGiven) {
  const FlagSet flags = Parsed({});
  EXPECT_EQ(flags.value("width"), "64");
  EXPECT_EQ(flags.source("width").ToText(), "default");
  EXPECT_TRUE(flags.problems().empty());
}

TEST(FlagSet, ValuesMayFollowAnEqualsSignOrABlank) {
  const FlagSet flags =
      Parsed({"--width=32", "--dropout", "-1", "--dataset", "a.h5", "--resume", "--nonormalise"});
  EXPECT_THAT(flags.problems(), ElementsAre());
  EXPECT_EQ(flags.value("width"), "32");
  EXPECT_EQ(flags.value("dropout"), "-1");
  EXPECT_EQ(flags.value("dataset"), "a.h5");
  EXPECT_EQ(flags.value("resume"), "true");
  EXPECT_EQ(flags.value("normalise"), "false");
  EXPECT_EQ(flags.source("width").ToText(), "command line");
}

TEST(FlagSet, BooleansAreStoredInOneSpelling) {
  for (const char* yes : {"true", "t", "yes", "y", "1"})
    EXPECT_EQ(Parsed({std::string("--resume=") + yes}).value("resume"), "true");
  for (const char* no : {"false", "f", "no", "n", "0"})
    EXPECT_EQ(Parsed({std::string("--normalise=") + no}).value("normalise"), "false");
  EXPECT_THAT(OnlyProblem(Parsed({"--resume=maybe"})),
              AllOf(HasSubstr("--resume=maybe (command line)"), HasSubstr("true or false")));
}

TEST(FlagSet, TheLaterValueOnTheCommandLineWins) {
  EXPECT_EQ(Parsed({"--width=1", "--width=2"}).value("width"), "2");
}

TEST(FlagSet, ValuesOfTheWrongTypeAreRefusedAndLeaveTheDefault) {
  const std::vector<std::string> wrong = {
      "--width=12abc",      "--width=",           "--width=1.5",    "--width=9223372036854775808",
      "--ranks=2147483648", "--limit=4294967296", "--seed=-1",      "--seed=18446744073709551616",
      "--limit=-1",         "--dropout=nan",      "--dropout=inf",  "--dropout=-inf",
      "--dropout=0.2x",     "--dropout=",         "--dropout=1e999"};
  for (const std::string& argument : wrong) {
    const FlagSet flags = Parsed({argument});
    const std::string value = argument.substr(argument.find('=') + 1);
    EXPECT_THAT(OnlyProblem(flags), AllOf(HasSubstr(argument + " (command line)"), HasSubstr("expected a"),
                                          HasSubstr("found \"" + value + "\"")));
    EXPECT_EQ(flags.value("width"), "64");
    EXPECT_EQ(flags.value("dropout"), "0.2");
  }
}

TEST(FlagSet, TheWholeRangeOfATypeIsAccepted) {
  EXPECT_TRUE(Parsed({"--seed=18446744073709551615", "--width=-9223372036854775808", "--ranks=2147483647",
                      "--dropout=1e-300"})
                  .problems()
                  .empty());
}

TEST(FlagSet, TextThatCouldNotBeReadBackIsRefused) {
  EXPECT_THAT(OnlyProblem(Parsed({"--dataset=a\nb"})), HasSubstr("control characters"));
  EXPECT_THAT(OnlyProblem(Parsed({"--dataset=a "})), HasSubstr("blanks at its ends"));
  EXPECT_TRUE(Parsed({"--dataset=with blank and # sign"}).problems().empty());
}

TEST(FlagSet, UnknownFlagsAreRefusedWithTheNearestName) {
  EXPECT_THAT(OnlyProblem(Parsed({"--widht=3"})),
              AllOf(HasSubstr("unknown flag --widht (command line)"), HasSubstr("did you mean --width?")));
  EXPECT_THAT(OnlyProblem(Parsed({"--zzzzzzzzzz"})), HasSubstr("ppr pretrain --help lists the flags"));
  EXPECT_THAT(OnlyProblem(Parsed({"--noresum"})), HasSubstr("did you mean --noresume?"));
}

TEST(FlagSet, FlagsOfOtherCommandsAreRefusedWithTheirName) {
  EXPECT_THAT(OnlyProblem(Parsed({"--checkpoint=x"})),
              AllOf(HasSubstr("--checkpoint (command line) belongs to ppr tune, evaluate"),
                    HasSubstr("ppr pretrain does not take it")));
}

TEST(FlagSet, AMissingValueIsRefused) {
  EXPECT_THAT(OnlyProblem(Parsed({"--width"})), HasSubstr("--width (command line): expected a value"));
  EXPECT_THAT(OnlyProblem(Parsed({"--width", "--resume"})), HasSubstr("expected a value"));
  EXPECT_THAT(OnlyProblem(Parsed({"--flagfile"})), HasSubstr("expected a path"));
}

TEST(FlagSet, NegationIsForBooleansOnly) {
  EXPECT_THAT(OnlyProblem(Parsed({"--nowidth"})), HasSubstr("unknown flag --nowidth"));
}

TEST(FlagSet, OneDashIsRefused) { EXPECT_THAT(OnlyProblem(Parsed({"-width=3"})), HasSubstr("two dashes")); }

TEST(FlagSet, AllProblemsAreCollected) {
  EXPECT_EQ(Parsed({"--widht=3", "--dropout=nan", "--seed=x", "--checkpoint=c"}).problems().size(), 4u);
}

TEST(FlagSet, OtherArgumentsAreKeptInOrder) {
  EXPECT_THAT(Parsed({"b", "--width=3", "a"}).positional(), ElementsAre("b", "a"));
}

TEST(FlagSet, HelpAndPrintConfigAreNoSettings) {
  EXPECT_EQ(Parsed({"-h"}).help(), HelpRequest::kOurs);
  EXPECT_EQ(Parsed({"--help"}).help(), HelpRequest::kOurs);
  EXPECT_EQ(Parsed({"--helpfull", "-h"}).help(), HelpRequest::kFull);
  EXPECT_TRUE(Parsed({"--print_config"}).print_config());
  EXPECT_THAT(OnlyProblem(Parsed({"--print_config=3"})), HasSubstr("expected --print_config alone"));
}

TEST(FlagSet, APresetMovesDefaultsOnly) {
  FlagSet flags = Parsed({"--width=32"});
  flags.ApplyPreset("paper", {{"width", "64"}, {"dropout", "0"}});
  EXPECT_EQ(flags.value("width"), "32");
  EXPECT_EQ(flags.value("dropout"), "0");
  EXPECT_EQ(flags.source("dropout").ToText(), "preset paper");
}

TEST(FlagSet, ProblemsOfAConfigNameTheFlagAndItsSource) {
  FlagSet flags = Parsed({"--width=0"});
  flags.AddProblems(
      {"width: expected at least 1, found 0", "dropout must be in [0, 1), found 2", "the rest is text"});
  EXPECT_THAT(flags.problems(),
              ElementsAre("--width (command line): expected at least 1, found 0",
                          "--dropout (default) must be in [0, 1), found 2", "the rest is text"));
}

TEST(FlagSet, ListWithSourcesSaysWhereEachValueIsFrom) {
  FlagSet flags = Parsed({"--width=32", "--threads=2"});
  flags.ApplyPreset("paper", {{"dropout", "0"}});
  const std::string text = flags.ListWithSources();
  EXPECT_THAT(text, ::testing::ContainsRegex("--width=32 +# command line\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("--dropout=0 +# preset paper\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("--seed=1 +# default\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("--threads=2 +# command line\n"));
}

TEST(SplitList, DropsBlanksAndEmptyParts) {
  EXPECT_THAT(SplitList(" age, gender ,,home town"), ElementsAre("age", "gender", "home town"));
  EXPECT_THAT(SplitList(""), ElementsAre());
}

}  // namespace
}  // namespace ppr::settings
