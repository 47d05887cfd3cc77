// Bad flags are refused by the real binary: exit code, and a message with place, expected and found; nothing
// is written.
#include <gmock/gmock.h>

#include "cli_program.h"

namespace ppr::e2e {
namespace {

using ::testing::HasSubstr;

struct Refusal {
  std::string name;
  std::vector<std::string> arguments;
  int exit_code = 64;
  std::vector<std::string> says;
};

void PrintTo(const Refusal& refusal, std::ostream* stream) { *stream << refusal.name; }

// A command that would start if it were not for `more`.
std::vector<std::string> Pretrain(std::vector<std::string> more) {
  more.insert(more.begin(), {"pretrain", "--dataset=data.h5", "--output=run"});
  return more;
}
std::vector<std::string> Tune(std::vector<std::string> more) {
  more.insert(more.begin(), {"tune", "--dataset=data.h5", "--output=run", "--checkpoint=base"});
  return more;
}

// The scratch folder of each case holds the flag files of SetUp below.
std::vector<Refusal> Refusals() {
  return {
      {"NoCommand", {}, 64, {"usage: ppr <command>"}},
      {"UnknownCommand", {"pretrian"}, 64, {"unknown command pretrian", "did you mean pretrain?"}},
      {"UnknownFlag",
       Pretrain({"--learnig_rate=1"}),
       64,
       {"--learnig_rate (command line)", "did you mean --learning_rate?"}},
      {"UnknownFlagInFile",
       Pretrain({"--flagfile=typo.flags"}),
       64,
       {"typo.flags:3", "--batchsize", "did you mean --batch_size?"}},
      {"UnknownFlagInNestedFile", Pretrain({"--flagfile=outer.flags"}), 64, {"typo.flags:3", "--batchsize"}},
      {"FlagOfAnotherCommand",
       Pretrain({"--prompt_tokens=1"}),
       64,
       {"--prompt_tokens (command line) belongs to ppr tune"}},
      {"FlagOfALibrary", Pretrain({"--log_dir=x"}), 64, {"unknown flag --log_dir"}},
      {"NotANumber", Pretrain({"--dropout=nan"}), 64, {"--dropout=nan (command line)", "finite number"}},
      {"Infinity", Pretrain({"--learning_rate=inf"}), 64, {"--learning_rate=inf", "finite number"}},
      {"NotANumberInFile",
       Pretrain({"--flagfile=nan.flags"}),
       64,
       {"nan.flags:1", "finite number, found \"nan\""}},
      {"WordForANumber", Pretrain({"--width=wide"}), 64, {"--width=wide", "whole number", "found \"wide\""}},
      {"NegativeSeed", Pretrain({"--seed=-1"}), 64, {"--seed=-1", "not negative"}},
      {"TooLargeANumber", Pretrain({"--batch_size=9223372036854775808"}), 64, {"whole number of 64 bits"}},
      {"MissingValue", Pretrain({"--width"}), 64, {"--width (command line)", "--width=value"}},
      {"OneDash", Pretrain({"-width=3"}), 64, {"-width=3", "two dashes"}},
      {"StrayArgument", Pretrain({"width=3"}), 64, {"\"width=3\"", "flags only"}},
      {"MissingFlagFile", Pretrain({"--flagfile=none.flags"}), 64, {"none.flags", "No such file"}},
      {"FlagFileLoop", Pretrain({"--flagfile=loop.flags"}), 64, {"loop.flags:1", "includes itself"}},
      {"LineThatIsNoFlag", Pretrain({"--flagfile=line.flags"}), 64, {"line.flags:2", "found \"width=3\""}},
      {"UnknownName",
       Pretrain({"--loss=bqr"}),
       64,
       {"--loss (command line)", "bpr, bce", "found \"bqr\"", "did you mean bpr?"}},
      {"UnknownPreset",
       Pretrain({"--preset=papr"}),
       64,
       {"--preset (command line)", "paper, sasrec", "did you mean paper?"}},
      {"UnknownMetric", Pretrain({"--metric=ndgc@10"}), 64, {"--metric (command line)", "found \"ndgc@10\""}},
      {"NoDataset", {"pretrain", "--output=run"}, 64, {"--dataset (default)", "found nothing"}},
      {"NoOutput", {"pretrain", "--dataset=data.h5"}, 64, {"--output (default)", "found nothing"}},
      {"EmptyBatch",
       Pretrain({"--batch_size=0"}),
       64,
       {"--batch_size (command line)", "at least 1, found 0"}},
      {"HeadsThatDoNotDivide", Pretrain({"--width=10", "--heads=3"}), 64, {"heads", "3", "10"}},
      {"DropoutOfOne", Pretrain({"--dropout=1"}), 64, {"dropout", "found 1"}},
      {"BetaOfOne", Pretrain({"--beta1=1"}), 64, {"beta1", "found 1"}},
      {"OneCheckpointKept",
       Pretrain({"--keep_checkpoints=1"}),
       64,
       {"--keep_checkpoints", "at least 2, found 1"}},
      {"NegativeLocalRanks",
       Pretrain({"--local_ranks=-1"}),
       64,
       {"--local_ranks (command line)", "at least 0, found -1"}},
      {"NoDeadline", Pretrain({"--deadline_seconds=0"}), 64, {"--deadline_seconds", "at least 1, found 0"}},
      {"NoPromptTokens", Tune({"--prompt_tokens=0"}), 64, {"--prompt_tokens", "at least 1, found 0"}},
      {"MaskRatioOfOne", Tune({"--behaviour_mask_ratio=1"}), 64, {"--behaviour_mask_ratio", "[0, 1)"}},
      {"NegativeContrastiveWeight",
       Tune({"--contrastive_weight=-0.5"}),
       64,
       {"--contrastive_weight", "found -0.5"}},
      {"NoTemperature", Tune({"--temperature=0"}), 64, {"--temperature", "positive"}},
      {"NothingToEvaluate",
       {"evaluate", "--dataset=data.h5"},
       64,
       {"--checkpoint (default)", "found nothing"}},
      {"MoreCasesThanCount",
       {"evaluate", "--dataset=d", "--checkpoint=c", "--batch_cases=9223372036854775807"},
       64,
       {"--batch_cases", "at most 2147483647"}},
      {"KeepAllCheckpoints",
       Pretrain({"--keep_checkpoints=9223372036854775807"}),
       64,
       {"--keep_checkpoints"}},
      {"UnknownPart",
       {"evaluate", "--dataset=d", "--checkpoint=c", "--part=cold"},
       64,
       {"--part (command line)", "cold_test"}},
      {"OneFileToCompare", {"compare", "a.tsv"}, 64, {"expected two files", "found 1 as arguments"}},
      {"CompareByFlagAndArgument", {"compare", "a.tsv", "--a=b.tsv"}, 64, {"expected two files"}},
      {"UnknownProtocol",
       {"prepare", "--interactions=x.csv", "--output=o.h5", "--protocol=hold_out"},
       64,
       {"--protocol", "did you mean holdout?"}},
      {"MissingDatasetFile", Pretrain({}), 74, {"data.h5", "No such file"}},
      {"DatasetOfAnotherKind",
       {"pretrain", "--dataset=typo.flags", "--output=run"},
       65,
       {"typo.flags", "expected a file"}},
      {"MissingDatasetFileOnRanks", Pretrain({"--local_ranks=3"}), 74, {"data.h5", "No such file", "rank "}},
      {"MissingCaseFile", {"compare", "a.tsv", "b.tsv"}, 74, {"a.tsv", "No such file"}},
  };
}

class Refused : public CliTest, public ::testing::WithParamInterface<Refusal> {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    Write("typo.flags", "# settings\n--width=32\n--batchsize=3\n");
    Write("outer.flags", "--flagfile=typo.flags\n");
    Write("nan.flags", "--dropout=nan\n");
    Write("loop.flags", "--flagfile=loop.flags\n");
    Write("line.flags", "--heads=1\nwidth=3\n");
  }
};

TEST_P(Refused, WithPlaceExpectedAndFoundAndNothingWritten) {
  const std::vector<std::string> before = Listing();
  const ProgramResult result = RunPpr(GetParam().arguments, folder_);
  EXPECT_EQ(result.exit_code, GetParam().exit_code);
  for (const std::string& text : GetParam().says) EXPECT_THAT(result.err, HasSubstr(text));
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(Listing(), before);
}

INSTANTIATE_TEST_SUITE_P(Cli, Refused, ::testing::ValuesIn(Refusals()),
                         [](const ::testing::TestParamInfo<Refusal>& refusal) { return refusal.param.name; });

using CliRefusals = CliTest;

TEST_F(CliRefusals, AllProblemsAreToldAtOnce) {
  Write("bad.flags", "--widht=3\n--dropout=nan\n");
  const ProgramResult result = RunPpr(
      {"pretrain", "--flagfile=bad.flags", "--loss=bqr", "--batch_size=0", "--heads=0", "--local_ranks=-2"},
      folder_);
  EXPECT_EQ(result.exit_code, 64);
  for (const char* text : {"--widht (bad.flags:1)", "--dropout=nan (bad.flags:2)", "--loss (command line)",
                           "--batch_size (command line)", "heads", "--local_ranks (command line)",
                           "--dataset (default)", "--output (default)"}) {
    EXPECT_THAT(result.err, HasSubstr(text));
  }
}

}  // namespace
}  // namespace ppr::e2e
