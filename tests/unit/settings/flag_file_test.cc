// Flag files: where gflags would ignore a typo, read the wrong file or let the file win.
#include <gmock/gmock.h>

#include "unit/settings/flag_test_support.h"

namespace ppr::settings {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(FlagFiles, OneFlagALineWithCommentsAndBlankLines) {
  const std::string file = Write("a.flags",
                                 "# a comment\n\n--width=32\r\n  --dropout=0.5  "
                                 "\n--resume\n--nonormalise\n--seed 7\n--dataset=x#y.h5\n");
  const FlagSet flags = Parsed({"--flagfile=" + file});
  EXPECT_THAT(flags.problems(), ElementsAre());
  EXPECT_EQ(flags.value("width"), "32");
  EXPECT_EQ(flags.value("dropout"), "0.5");
  EXPECT_EQ(flags.value("resume"), "true");
  EXPECT_EQ(flags.value("normalise"), "false");
  EXPECT_EQ(flags.value("seed"), "7");
  EXPECT_EQ(flags.value("dataset"), "x#y.h5");
  EXPECT_EQ(flags.source("width").ToText(), file + ":3");
}

TEST_F(FlagFiles, TheCommandLineWinsWhereverTheFileStands) {
  const std::string file = Write("a.flags", "--width=32\n--width=33\n");
  EXPECT_EQ(Parsed({"--width=5", "--flagfile=" + file}).value("width"), "5");
  EXPECT_EQ(Parsed({"--flagfile", file, "--width=5"}).value("width"), "5");
  EXPECT_EQ(Parsed({"--flagfile=" + file}).value("width"), "33");
}

TEST_F(FlagFiles, AFileWinsOverAPreset) {
  FlagSet flags = Parsed({"--flagfile=" + Write("a.flags", "--width=32\n")});
  flags.ApplyPreset("paper", {{"width", "64"}});
  EXPECT_EQ(flags.value("width"), "32");
}

TEST_F(FlagFiles, NestedPathsAreRelativeToTheIncludingFile) {
  Write("sub/inner.flags", "--width=7\n");
  const std::string outer = Write("outer.flags", "--flagfile=sub/inner.flags\n--dropout=0.1\n");
  const FlagSet flags = Parsed({"--flagfile=" + outer});
  EXPECT_THAT(flags.problems(), ElementsAre());
  EXPECT_EQ(flags.value("width"), "7");
  EXPECT_THAT(flags.source("width").ToText(), HasSubstr("sub/inner.flags:1"));
  EXPECT_EQ(flags.value("dropout"), "0.1");
}

TEST_F(FlagFiles, ALoopIsRefused) {
  const std::string a = Write("a.flags", "--flagfile=b.flags\n");
  Write("b.flags", "--width=3\n--flagfile=./a.flags\n");
  EXPECT_THAT(OnlyProblem(Parsed({"--flagfile=" + a})),
              AllOf(HasSubstr("b.flags:2"), HasSubstr("includes itself")));
}

TEST_F(FlagFiles, TheSameFileTwiceIsNoLoop) {
  Write("common.flags", "--width=3\n");
  const std::string a = Write("a.flags", "--flagfile=common.flags\n--flagfile=common.flags\n");
  EXPECT_TRUE(Parsed({"--flagfile=" + a}).problems().empty());
}

TEST_F(FlagFiles, EveryProblemNamesFileAndLine) {
  const std::string file = Write("a.flags",
                                 "--widht=32\n--dropout=nan\nwidth=3\n--checkpoint=x\n--width\n--resume "
                                 "yes\n--help\n--flagfile=none.flags\n");
  const FlagSet flags = Parsed({"--flagfile=" + file});
  EXPECT_THAT(flags.problems(),
              ElementsAre(AllOf(HasSubstr(file + ":1"), HasSubstr("did you mean --width?")),
                          AllOf(HasSubstr(file + ":2"), HasSubstr("finite number")),
                          AllOf(HasSubstr(file + ":3"), HasSubstr("expected --name=value")),
                          AllOf(HasSubstr(file + ":4"), HasSubstr("belongs to ppr tune, evaluate")),
                          AllOf(HasSubstr(file + ":5"), HasSubstr("expected a value")),
                          AllOf(HasSubstr(file + ":6"), HasSubstr("expected --resume=yes")),
                          AllOf(HasSubstr(file + ":7"), HasSubstr("command line only")),
                          AllOf(HasSubstr(file + ":8"), HasSubstr("none.flags: No such file"))));
}

TEST_F(FlagFiles, AFileThatCannotBeReadIsAProblem) {
  EXPECT_THAT(OnlyProblem(Parsed({"--flagfile=" + (folder_ / "none.flags").string()})),
              HasSubstr("No such file"));
  EXPECT_THAT(OnlyProblem(Parsed({"--flagfile=" + folder_.string()})), HasSubstr("Is a directory"));
}

TEST_F(FlagFiles, ResolvedTextReadsBackToTheSameValues) {
  FlagSet first = Parsed({"--width=32", "--dropout=0.125", "--resume", "--dataset=a b#c.h5", "--threads=3"});
  first.ApplyPreset("paper", {{"seed", "5"}});
  const FlagSet second = Parsed({"--flagfile=" + Write("config.flags", first.ResolvedText())});
  EXPECT_THAT(second.problems(), ElementsAre());
  for (const char* name : {"width", "dropout", "resume", "normalise", "seed", "limit", "dataset", "ranks"}) {
    EXPECT_EQ(second.value(name), first.value(name)) << name;
  }
  EXPECT_EQ(second.ResolvedText(), first.ResolvedText());
  EXPECT_EQ(second.value("threads"), "0") << "how a run was launched is not part of its settings";
}

}  // namespace
}  // namespace ppr::settings
