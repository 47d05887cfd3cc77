// Help, versions, presets, and where each value comes from, through the real binary.
#include <gmock/gmock.h>

#include "cli_program.h"

namespace ppr::e2e {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

using CliSettings = CliTest;

const std::vector<std::string> kCommands = {"prepare", "pretrain", "tune", "evaluate", "compare", "bench"};

TEST_F(CliSettings, HelpListsCommandsAndExitCodes) {
  const ProgramResult result = RunPpr({"help"}, folder_);
  EXPECT_EQ(result.exit_code, 0);
  for (const std::string& command : kCommands) EXPECT_THAT(result.out, ContainsRegex("\n  " + command + " "));
  EXPECT_THAT(result.out, AllOf(HasSubstr("85"), HasSubstr("93")));
  EXPECT_EQ(RunPpr({"--help"}, folder_).out, result.out);
}

TEST_F(CliSettings, HelpOfACommandHasOurFlagsByTopicAndNoOthers) {
  for (const std::string& command : kCommands) {
    const ProgramResult result = RunPpr({command, "--help"}, folder_);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(result.out, AllOf(HasSubstr("usage: ppr " + command), HasSubstr("--flagfile=PATH"),
                                  Not(HasSubstr("--logbufsecs")), Not(HasSubstr("--fromenv"))));
    EXPECT_EQ(RunPpr({"help", command}, folder_).out, result.out);
    EXPECT_EQ(RunPpr({command, "-h"}, folder_).out, result.out);
  }
  EXPECT_THAT(RunPpr({"pretrain", "--help"}, folder_).out, HasSubstr("\nEncoder:\n"));
  EXPECT_THAT(RunPpr({"pretrain", "--helpfull"}, folder_).out, HasSubstr("logbufsecs"));
}

TEST_F(CliSettings, VersionNamesTheLibraries) {
  EXPECT_THAT(RunPpr({"version"}, folder_).out,
              AllOf(ContainsRegex("^ppr [0-9]+\\."), HasSubstr("libtorch ")));
}

std::string PrintedConfig(const std::vector<std::string>& more, const std::filesystem::path& folder) {
  std::vector<std::string> arguments = {"pretrain", "--dataset=d.h5", "--output=run", "--print_config"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const ProgramResult result = RunPpr(arguments, folder);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result.out;
}

void ExpectValues(const std::string& config, const std::vector<std::string>& values,
                  const std::string& source) {
  for (const std::string& value : values)
    EXPECT_THAT(config, ContainsRegex("\n--" + value + " +# " + source + "\n"));
}

TEST_F(CliSettings, ThePaperPresetIsTheModelOfThePaper) {
  ExpectValues(PrintedConfig({"--preset=paper"}, folder_),
               {"blocks=1", "heads=1", "width=64", "ffn_width=64", "norm=post", "activation=relu",
                "dropout=0", "output_projection=false", "final_norm=false", "embedding_norm=false",
                "max_history=100", "loss=bpr", "batch_size=256", "learning_rate=0.0001"},
               "preset paper");
}

TEST_F(CliSettings, TheSasrecPresetIsSasrec) {
  ExpectValues(
      PrintedConfig({"--preset=sasrec"}, folder_),
      {"blocks=2", "heads=1", "norm=pre", "residual_from_norm=true", "activation=relu", "dropout=0.2",
       "output_projection=true", "final_norm=true", "scale_embedding=true", "max_history=50",
       "position_origin=end", "loss=bce", "batch_size=128", "learning_rate=0.001", "beta2=0.98"},
      "preset sasrec");
}

TEST_F(CliSettings, EachValueKnowsItsSource) {
  Write("a.flags", "--preset=paper\n--blocks=3\n--heads=2\n");
  const std::string config = PrintedConfig({"--heads=4", "--flagfile=a.flags"}, folder_);
  ExpectValues(config, {"heads=4"}, "command line");
  ExpectValues(config, {"blocks=3"}, "a.flags:2");
  ExpectValues(config, {"norm=post"}, "preset paper");
  ExpectValues(config, {"warmup_steps=0"}, "default");
  EXPECT_EQ(Listing(), std::vector<std::string>({"a.flags"})) << "printing a config starts nothing";
}

TEST_F(CliSettings, CommandsHaveTheirOwnDefaults) {
  const ProgramResult tune =
      RunPpr({"tune", "--dataset=d", "--output=o", "--checkpoint=c", "--print_config"}, folder_);
  ExpectValues(tune.out, {"dropout=-1", "learning_rate=0.0001", "new_learning_rate=0.001", "task=few_shot"},
               "default");
  const ProgramResult evaluate =
      RunPpr({"evaluate", "--dataset=d", "--checkpoint=c", "--print_config"}, folder_);
  ExpectValues(evaluate.out, {"task=joint"}, "default");
}

}  // namespace
}  // namespace ppr::e2e
