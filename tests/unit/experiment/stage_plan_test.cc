// What makes two stages equal, and the text they come from.
#include "experiment/stage_plan.h"

#include <gmock/gmock.h>

#include "experiment/learning_rates.h"
#include "experiment/stage_command.h"
#include "support/temporary_folder.h"
#include "unit/experiment/sample_flags.h"

namespace ppr::experiment {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Stage Tuning(const StageFlags& flags, const std::string& path, const std::string& digest) {
  return {.kind = StageKind::kTune,
          .flags = flags,
          .inputs = {{.flag = "dataset", .value = path, .digest = digest}},
          .label = ""};
}

TEST(StagePlan, EqualWorkIsOneStageWhateverItsPath) {
  StagePlan plan;
  const int64_t first = plan.Add(Tuning({{"seed", "1"}}, "a.h5", "d"));
  EXPECT_EQ(plan.Add(Tuning({{"seed", "1"}}, "elsewhere/b.h5", "d")), first);
  EXPECT_EQ(plan.Add(Tuning({{"seed", "1"}, {"threads", "4"}, {"local_ranks", "2"}}, "a.h5", "d")), first)
      << "how a stage is launched is no part of what it computes";
  EXPECT_EQ(plan.Add(Tuning({{"seed", "1"},
                             {"checkpoint_every_steps", "9"},
                             {"keep_checkpoints", "3"},
                             {"memory_bytes", "1000"},
                             {"temporary_folder", "t"},
                             {"batch_cases", "7"}},
                            "a.h5", "d")),
            first)
      << "nor what it keeps on the way and how much memory it takes";
  EXPECT_NE(plan.Add(Tuning({{"seed", "2"}}, "a.h5", "d")), first);
  EXPECT_NE(plan.Add(Tuning({{"seed", "1"}}, "a.h5", "other bytes")), first);
  Stage evaluation = Tuning({{"seed", "1"}}, "a.h5", "d");
  evaluation.kind = StageKind::kEvaluate;
  EXPECT_NE(plan.Add(evaluation), first);
}

TEST(StagePlan, DigestsFollowInputsThroughOtherStages) {
  const auto digest_of_tuning = [](const std::string& width) {
    StagePlan plan;
    const int64_t base = plan.Add({.kind = StageKind::kPretrain, .flags = {{"width", width}}});
    return plan.stage(plan.Add({.kind = StageKind::kTune, .inputs = {plan.OutputOf("checkpoint", base)}}))
        .digest;
  };
  EXPECT_EQ(digest_of_tuning("16"), digest_of_tuning("16"));
  EXPECT_NE(digest_of_tuning("16"), digest_of_tuning("32"));
}

// Complete stages of earlier versions are found by this name: a golden value.
TEST(StagePlan, FolderNamesDependOnFlagsAndDigestAlone) {
  StagePlan plan;
  const Stage& stage = plan.stage(
      plan.Add(Tuning({{"method", "ppr_full"}, {"task", "few_shot"}, {"seed", "3"}}, "x/a b.h5", "d")));
  EXPECT_EQ(stage.FolderName(), "tune-ppr_full-few_shot-3-" + stage.digest);
  EXPECT_EQ(stage.digest.size(), 16u);
  EXPECT_EQ(stage.digest, "3e703a05d829cbb1");
}

TEST(StageFlags, TextAndFilesReadAlike) {
  std::vector<std::string> problems;
  const StageFlags expected = {{"a", "1"}, {"b", "true"}, {"c", "false"}, {"d", "x y"}, {"e", ""}};
  EXPECT_EQ(ParseStageFlags("--a=0 --b --noc '--d=x y' --e= --a=1", "tune_flags", SampleFlags(), problems),
            expected);
  EXPECT_EQ(ParseStageFlags("--b --a 1 --noc --d 'x y' --e=", "tune_flags", SampleFlags(), problems),
            expected);
  const test::TemporaryFolder folder;
  test::WriteBytes(folder / "inner.flags", "# comment\n\n--a 1\n--b\n");
  test::WriteBytes(folder / "outer.flags", "--flagfile=inner.flags\n--noc\n  --d=x y\n--e=\n");
  EXPECT_EQ(ReadStageFlagFile(folder / "outer.flags", SampleFlags(), problems), expected);
  EXPECT_THAT(problems, IsEmpty());
  test::WriteBytes(folder / "own.flags", "--shots=3\n");
  EXPECT_EQ(
      ParseStageFlags("--flagfile=" + folder / "own.flags" + " --b", "tune_flags", SampleFlags(), problems),
      (StageFlags{{"shots", "3"}, {"b", "true"}}));
  EXPECT_THAT(problems, IsEmpty());
  for (const char* idle : {"--print_config", "--help=true", "--helpfull", "--flagfile"}) {
    ParseStageFlags(idle, "tune_flags", SampleFlags(), problems);
    EXPECT_THAT(problems, ElementsAre(AnyOf(HasSubstr("(tune_flags): expected on the command line only"),
                                            HasSubstr("--flagfile (tune_flags): expected a path"))))
        << idle;
    problems.clear();
  }
  ParseStageFlags("--a=1 b '--c", "tune_flags", SampleFlags(), problems);
  EXPECT_THAT(problems,
              ElementsAre(HasSubstr("closing '"), "\"b\" (tune_flags): expected flags as --name=value"));
  problems.clear();
  test::WriteBytes(folder / "loop.flags", "--flagfile=loop.flags\nnonsense\n");
  ReadStageFlagFile(folder / "loop.flags", SampleFlags(), problems);
  EXPECT_THAT(problems,
              ElementsAre(HasSubstr("includes itself"), HasSubstr("loop.flags:2: expected --name=value")));
}

TEST(StageCommand, LaunchesRanksButPreparesAlone) {
  StagePlan plan;
  const StageStore store("out");
  const int64_t prepare = plan.Add({.kind = StageKind::kPrepare});
  const int64_t tune = plan.Add(
      {.kind = StageKind::kTune, .flags = {{"seed", "1"}}, .inputs = {plan.OutputOf("dataset", prepare)}});
  const StageProgram program{{"mpirun", "-np", "2"}, "bin/ppr"};
  const std::string of_prepare = store.FolderOf(plan.stage(prepare)),
                    of_tune = store.FolderOf(plan.stage(tune));
  EXPECT_THAT(CommandLineOf(plan, plan.stage(prepare), store, program),
              ElementsAre("bin/ppr", "prepare", "--output=" + of_prepare + "/dataset.h5"));
  EXPECT_THAT(
      CommandLineOf(plan, plan.stage(tune), store, program),
      ElementsAre("mpirun", "-np", "2", "bin/ppr", "tune", "--seed=1",
                  "--dataset=" + of_prepare + "/dataset.h5", "--output=" + of_tune + "/run", "--resume"));
  EXPECT_EQ(ShellText({"a", "--b=c d", "it's", ""}), "a '--b=c d' 'it'\\''s' ''");
}

TEST(LearningRates, AreKeptAsTyped) {
  std::vector<std::string> problems;
  const std::vector<LearningRate> rates =
      ParseLearningRates("1e-4, 3e-4/1e-3,1e-4", "learning_rates", problems);
  EXPECT_THAT(rates, ElementsAre(LearningRate{"1e-4", "1e-4"}, LearningRate{"3e-4", "1e-3"}));
  EXPECT_EQ(rates[1].ToText(), "3e-4/1e-3");
  EXPECT_THAT(problems, IsEmpty());
  ParseLearningRates("0,nan,1e-4/,x,-1", "learning_rates", problems);
  EXPECT_EQ(problems.size(), 5u);
}

TEST(LearningRates, TheBestMeanOverSeedsIsChosen) {
  EXPECT_EQ(BestRate({{0.1, 0.9}, {0.6, 0.6}, {0.2, 0.2}}), 1);
  EXPECT_EQ(BestRate({{0.5}, {0.5}}), 0) << "of equals the first";
  EXPECT_EQ(BestRate({{}, {-2, -4}}), 1) << "a rate without results is passed over";
  EXPECT_EQ(BestRate({{}, {}}), -1);
}

}  // namespace
}  // namespace ppr::experiment
