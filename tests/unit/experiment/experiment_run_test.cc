// Whole experiments with a program that takes the stages' command lines and answers at once (fake_ppr.cc).
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <sstream>
#include <thread>

#include "experiment/folder_lock.h"
#include "experiment_fixture.h"
#include "unit/experiment/sample_flags.h"

namespace ppr::experiment {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

TEST_F(ExperimentTest, CompleteStagesAreNotRunAgain) {
  const ExperimentConfig config = Config({"table4_zero_shot"});
  EXPECT_THAT(Run(config), HasSubstr("report.html"));
  // Two bases; two rates of three models with two seeds; one evaluation per model and seed.
  EXPECT_THAT(Calls(), SizeIs(2 + 12 + 6));
  const std::vector<std::string> products = Products(config.output);
  Run(config);
  EXPECT_THAT(Calls(), IsEmpty());
  EXPECT_EQ(Products(config.output), products);
}

TEST_F(ExperimentTest, TablesOfOneFolderShareStages) {
  ExperimentConfig config = Config({"table3_few_shot"});
  config.rows.models = {"fine_tune", "ppr_light"};
  Run(config);
  Calls();
  config.tables.push_back("figure3_ablation");
  Run(config);
  const std::vector<std::string> calls = Calls();
  // Four variants of PPR(light): two rates and one evaluation each, two seeds.
  EXPECT_THAT(calls, SizeIs(4 * (2 + 1) * 2));
  EXPECT_THAT(calls, Each(Not(HasSubstr("pretrain "))));
}

TEST_F(ExperimentTest, OtherBytesOfTheDatasetAreOtherStages) {
  const ExperimentConfig config = Config({"table4_zero_shot"});
  Run(config);
  Calls();
  test::WriteBytes(scratch_ / "shop.h5", "other clicks");
  Run(config);
  EXPECT_THAT(Calls(), SizeIs(20));
}

// As after an update: what is complete is kept, and a reader is told.
TEST_F(ExperimentTest, StagesOfAnotherBuildAreKeptAndCounted) {
  ExperimentConfig config = Config({"table4_zero_shot"});
  Run(config);
  EXPECT_THAT(lines_, Each(Not(HasSubstr("another build"))));
  Calls();
  const std::string bytes = ReadWholeFile(PPR_FAKE_PROGRAM);
  config.program = scratch_ / "another";
  test::WriteBytes(config.program, bytes + "more");
  std::filesystem::permissions(config.program, std::filesystem::perms::owner_all);
  Run(config);
  EXPECT_THAT(Calls(), IsEmpty());
  EXPECT_THAT(lines_.front(), HasSubstr("14 complete stages are of another build"));
  config.seeds.push_back(3);
  Run(config);
  EXPECT_THAT(lines_, Contains(HasSubstr("14 complete stages are of another build")));
  Run(config);
  EXPECT_THAT(lines_.front(), HasSubstr("14 complete stages are of another build")) << "not those of seed 3";
}

TEST_F(ExperimentTest, OnlyTheBestRateIsEvaluated) {
  ExperimentConfig config = Config({"table4_zero_shot"});
  config.rows.models = {"ppr_full"};
  // Each in its turn is the best one, wherever it stands in the list.
  for (const auto& rates : {std::vector<std::string>{"1e-4", "1e-3"}, {"1e-3", "1e-4"}}) {
    config.learning_rates.clear();
    for (const std::string& rate : rates) config.learning_rates.push_back({rate, rate});
    config.output = scratch_ / ("first_" + rates[0]);
    Run(config);
    // The stages themselves say which rate is better: the mean of best_value over the two seeds.
    std::map<std::string, double> sum_of;
    std::map<std::string, std::set<std::string>> outputs_of;
    std::set<std::string> evaluated;
    for (const std::string& call : Calls()) {
      const auto value = [&call](const std::string& flag) {
        const size_t begin = call.find(flag) + flag.size();
        return call.substr(begin, call.find(' ', begin) - begin);
      };
      if (call.starts_with("tune")) {
        const std::string rate = value("--new_learning_rate="), output = value("--output=");
        const std::string summary = ReadWholeFile(output + "/summary.json");
        sum_of[rate] += std::stod(summary.substr(summary.find("best_value\": ") + 13));
        outputs_of[rate].insert(output);
      } else if (call.starts_with("evaluate")) {
        evaluated.insert(value("--checkpoint="));
      }
    }
    ASSERT_THAT(sum_of, SizeIs(2));
    const std::string best = sum_of["1e-4"] >= sum_of["1e-3"] ? "1e-4" : "1e-3";
    EXPECT_THAT(evaluated, SizeIs(2));
    EXPECT_EQ(evaluated, outputs_of[best]);
    EXPECT_THAT(ReadWholeFile(config.output + "/report.md"), HasSubstr("| PPR(full) | " + best + " | 2 |"));
  }
}

TEST_F(ExperimentTest, AFlagFileCountsByItsContents) {
  ExperimentConfig config = Config({"table4_zero_shot"});
  std::vector<std::string> problems;
  const std::string file = scratch_ / "more.flags";
  test::WriteBytes(file, "--dropout=0.1\n");
  config.tune = ParseStageFlags("--flagfile=" + file, "tune_flags", SampleFlags(), problems);
  Run(config);
  EXPECT_THAT(Calls(), Contains(HasSubstr("--dropout=0.1")));
  test::WriteBytes(file, "--dropout=0.9\n");
  config.tune = ParseStageFlags("--flagfile=" + file, "tune_flags", SampleFlags(), problems);
  Run(config);
  EXPECT_THAT(Calls(), SizeIs(12 + 6)) << "all that is tuned";
  EXPECT_THAT(problems, IsEmpty());
}

TEST_F(ExperimentTest, AFailingStageEndsItWithItsLastWords) {
  ::setenv("FAKE_FAIL", "65 tune --learning_rate=1e-3", 1);
  const ExperimentConfig config = Config({"table4_zero_shot"});
  const auto [code, text] = Failure(config);
  EXPECT_EQ(code, 65);
  EXPECT_THAT(text,
              AllOf(HasSubstr("tune of Shop, fine-tuning, zero-shot, seed 1, rate 1e-3"),
                    HasSubstr("65: the data or a checkpoint"), HasSubstr("log:\nfirst words\nlast words")));
  EXPECT_FALSE(FileExists(config.output + "/results.csv"));
  const size_t started = Calls().size();
  EXPECT_EQ(started, 2u + 3u) << "two bases, two seeds of the first rate, and the one that failed";
  ::unsetenv("FAKE_FAIL");
  Run(config);
  EXPECT_THAT(Calls(), SizeIs(20 - (started - 1)))
      << "what was complete is kept, the failed stage runs again";
}

TEST_F(ExperimentTest, KeepGoingReportsWhatThereIs) {
  ::setenv("FAKE_FAIL", "70 --method=ppr_full", 1);
  ExperimentConfig config = Config({"table4_zero_shot"});
  config.keep_going = true;
  const auto [code, text] = Failure(config);
  EXPECT_EQ(code, 70);
  EXPECT_THAT(text, HasSubstr("4 of the stages failed"));
  const std::string report = ReadWholeFile(config.output + "/report.md");
  EXPECT_THAT(report, AllOf(HasSubstr("| PPR(light) |"), Not(HasSubstr("| PPR(full) |"))));
}

TEST_F(ExperimentTest, ARateIsJudgedOverAllSeedsOrNotAtAll) {
  ::setenv("FAKE_FAIL", "70 --method=fine_tune --new_learning_rate=1e-3 --seed=2", 1);
  ExperimentConfig config = Config({"table4_zero_shot"});
  config.keep_going = true;
  config.rows.models = {"fine_tune"};
  EXPECT_EQ(Failure(config).first, 70);
  EXPECT_THAT(ReadWholeFile(config.output + "/report.md"), HasSubstr("| fine-tuning | 1e-4 | 1 of 2 |"));
}

TEST_F(ExperimentTest, WithoutAChoiceASeedMayFail) {
  ::setenv("FAKE_FAIL", "70 --method=fine_tune --new_learning_rate=1e-3 --seed=2", 1);
  ExperimentConfig config = Config({"table4_zero_shot"});
  config.keep_going = true;
  config.rows.models = {"fine_tune"};
  config.learning_rates = {{"1e-3", "1e-3"}};
  EXPECT_EQ(Failure(config).first, 70);
  EXPECT_THAT(ReadWholeFile(config.output + "/report.md"),
              AllOf(HasSubstr("| fine-tuning |"), HasSubstr("One seed.")));
}

TEST_F(ExperimentTest, AChoiceNeedsValidation) {
  ::setenv("FAKE_BLIND", "--method=ppr_light", 1);
  ExperimentConfig config = Config({"table4_zero_shot"});
  const auto [code, text] = Failure(config);
  EXPECT_EQ(code, 65);
  EXPECT_THAT(text, AllOf(HasSubstr("to choose the learning rate of PPR(light)"), HasSubstr("found none")));
  EXPECT_FALSE(FileExists(config.output + "/report.md"));
  // PPR(light) has one point, the others have two: what is no choice needs no value.
  config.learning_rates = {{"1e-4", "1e-3"}, {"3e-4", "1e-3"}};
  config.output = scratch_ / "one";
  Run(config);
  EXPECT_THAT(ReadWholeFile(config.output + "/report.md"),
              HasSubstr("| PPR(light) | 1e-3 | 1 | not validated |"));
}

TEST_F(ExperimentTest, AStopThatAStageReportsIsPassedOn) {
  ::setenv("FAKE_FAIL", "85 tune ", 1);
  EXPECT_EQ(Failure(Config({"table4_zero_shot"})).first, 85);
}

TEST_F(ExperimentTest, ARequestToStopIsHandedToTheStage) {
  ::setenv("FAKE_HANG", "tune ", 1);
  std::thread asks([this] {
    EXPECT_TRUE(SawCalls(scratch_ / "calls", "\ntune ", 1));
    SetStopRequested(SIGTERM);
  });
  const ExperimentConfig config = Config({"table4_zero_shot"});
  const auto [code, text] = Failure(config);
  asks.join();
  EXPECT_EQ(code, 85);
  EXPECT_THAT(text, HasSubstr("start the same command again"));
}

TEST_F(ExperimentTest, AFailureAfterARequestToStopIsAFailure) {
  ::setenv("FAKE_HANG", "pretrain ", 1);
  ::setenv("FAKE_STOP", "65", 1);
  std::thread asks([this] {
    EXPECT_TRUE(SawCalls(scratch_ / "calls", "pretrain ", 1));
    SetStopRequested(SIGTERM);
  });
  const auto [code, text] = Failure(Config({"table4_zero_shot"}));
  asks.join();
  EXPECT_EQ(code, 65);
  EXPECT_THAT(text, HasSubstr("pretrain of Shop"));
}

// Runs `config` in another process until `count` command lines with `text` have started, and kills it there.
void KillAtCall(const ExperimentConfig& config, const std::string& calls, const std::string& text,
                int64_t count) {
  const pid_t runner = ::fork();
  ASSERT_GE(runner, 0);
  if (runner == 0) {
    RunExperiment(config, [](const std::string&) {});
    ::_exit(0);
  }
  EXPECT_TRUE(SawCalls(calls, text, count));
  EXPECT_EQ(::kill(runner, SIGKILL), 0);
  int status = 0;
  EXPECT_EQ(::waitpid(runner, &status, 0), runner);
}

TEST_F(ExperimentTest, KilledInTheMiddleItEndsWithTheSameBytes) {
  ExperimentConfig config = Config({"table3_few_shot", "figure4_sparsity"}, "undisturbed");
  config.rows.models = {"melu", "fine_tune", "ppr_full"};
  Run(config);
  Calls();
  const std::vector<std::string> undisturbed = Products(config.output);
  for (const int64_t parallel : {1, 3}) {
    config.output = scratch_ / ("killed" + std::to_string(parallel));
    config.parallel_stages = parallel;
    ::setenv("FAKE_HANG", "--method=ppr_full", 1);
    KillAtCall(config, scratch_ / "calls", "--method=ppr_full", parallel);
    ::unsetenv("FAKE_HANG");
    EXPECT_GT(Calls().size(), 4u);
    Run(config);
    const std::vector<std::string> after = Calls();
    EXPECT_THAT(after.front(), HasSubstr("--method=ppr_full")) << "what was cut off goes first";
    EXPECT_EQ(Products(config.output), undisturbed) << parallel << " at a time";
  }
}

TEST_F(ExperimentTest, ReportsNameNoPathAndAskNothingOfTheNetwork) {
  ExperimentConfig config = Config(TableNames());
  config.learning_rates.resize(1);
  config.datasets = {{"Shop", {scratch_ / "shop.h5"}},
                     {"Shop:Ads", {scratch_ / "shop.h5", scratch_ / "shop.h5"}}};
  config.tables.erase(std::find(config.tables.begin(), config.tables.end(), "table2_datasets"));
  config.rows.predict_fields = {"gender"};
  Run(config);
  const std::vector<std::string> products = Products(config.output);
  EXPECT_THAT(products, Each(Not(HasSubstr(scratch_.path()))));
  const std::string& html = products.back();
  EXPECT_LT(html.size(), 1'000'000u);
  for (const char* const reference : {"http:", "https:", "src=", "@import", "url(", "<link", "<script"})
    EXPECT_THAT(html, Not(HasSubstr(reference)));
  size_t figures = 0;
  for (size_t at = html.find("<svg"); at != std::string::npos; at = html.find("<svg", at + 1), ++figures) {
    const std::string figure = html.substr(at, html.find("</svg>", at) - at);
    EXPECT_THAT(figure, AllOf(HasSubstr("role=\"img\""), HasSubstr("aria-labelledby="),
                              HasSubstr("<title id="), HasSubstr("<desc id=")));
  }
  EXPECT_EQ(figures, 9u) << "AUC, HIT@10 and NDCG@10 of two figures and of prompt lengths";
  EXPECT_THAT(html, Not(HasSubstr("<img")));
}

// A reader has to see what was searched, which split is counted, what is missing, and against whom.
TEST_F(ExperimentTest, TheReportSaysWhatWasCompared) {
  ExperimentConfig config = Config({"table3_few_shot", "table8_profile"});
  config.rows.models = {"sasrec", "ppr_light", "ppr_full"};
  config.rows.predict_fields = {"gender", "AliEC:occupation"};
  config.learning_rates = {{"1e-4", "1e-3"}, {"3e-4", "1e-3"}};
  config.scratch_learning_rates = {{"1e-3", "1e-3"}, {"3e-3", "3e-3"}};
  Run(config);
  EXPECT_THAT(lines_.front(), HasSubstr("AliEC:occupation is not predicted"));
  const std::string report = ReadWholeFile(config.output + "/report.md");
  EXPECT_THAT(report,
              AllOf(HasSubstr("AliEC:occupation is not predicted"),
                    HasSubstr("1e-4/1e-3, 3e-4/1e-3 by models of which all parameters are tuned; 1e-3 by "
                              "PPR(light), in which only new ones train; 1e-3, 3e-3 by models from scratch"),
                    HasSubstr("tests of PPR against SASRec,"),
                    HasSubstr("the best NDCG@10 on the test users themselves")));
  config.rows.models = {"fine_tune", "ppr_full"};
  config.learning_rates = {{"1e-3", "1e-3"}};
  config.scratch_learning_rates = {};
  Run(config);
  EXPECT_THAT(ReadWholeFile(config.output + "/report.md"),
              AllOf(HasSubstr("1e-3, by every model that is tuned or trained from scratch."),
                    Not(HasSubstr("on the test users themselves"))));
}

TEST_F(ExperimentTest, WhatAStageWouldRefuseIsRefusedFirst) {
  ExperimentConfig config = Config({"table4_zero_shot"});
  config.check_stage = [](const std::string& command, const std::vector<std::string>&) {
    return command == "evaluate" ? std::vector<std::string>{"no"} : std::vector<std::string>{};
  };
  const auto [code, text] = Failure(config);
  EXPECT_EQ(code, 64);
  EXPECT_THAT(text, HasSubstr("evaluate of Shop, fine-tuning, zero-shot, seed 1: no (and 5 stages more)"));
  EXPECT_THAT(Calls(), IsEmpty());
}

TEST_F(ExperimentTest, ADryRunWritesNothing) {
  ExperimentConfig config = Config({"table4_zero_shot"});
  config.dry_run = true;
  config.launcher = {"mpirun", "-np", "2"};
  const std::string plan = Run(config);
  EXPECT_THAT(plan, AllOf(HasSubstr("mpirun -np 2 " PPR_FAKE_PROGRAM
                                    " pretrain --model=sasrec --seed=1 --train_users=warm"),
                          HasSubstr("# 20 stages"), HasSubstr("shown with the first")));
  EXPECT_FALSE(FileExists(config.output));
  EXPECT_THAT(Calls(), IsEmpty());
}

TEST_F(ExperimentTest, MissingDatasetsAreNamedTogether) {
  ExperimentConfig config = Config({"table4_zero_shot"});
  config.datasets = {{"A", {scratch_ / "a.h5"}}, {"B", {scratch_ / "b.flags"}}};
  const auto [code, text] = Failure(config);
  EXPECT_EQ(code, 64);
  EXPECT_THAT(text, AllOf(HasSubstr("datasets: A: cannot look at"), HasSubstr("datasets: B: --flagfile ("),
                          HasSubstr("b.flags): cannot open")));
}

TEST_F(ExperimentTest, TwoRunnersDoNotShareAFolder) {
  const std::string path = scratch_ / "lock";
  {
    const FolderLock lock(path);
    try {
      const FolderLock second(path, std::chrono::milliseconds(0));
      ADD_FAILURE() << "a second runner got the lock";
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(),
                  AllOf(HasSubstr("another ppr experiment"), HasSubstr(std::to_string(::getpid()))));
    }
  }
  EXPECT_TRUE(FileExists(path));
  const FolderLock again(path, std::chrono::milliseconds(0));  // what is left of a dead runner locks nothing
}

TEST_F(ExperimentTest, ProgressCountsAndEstimates) {
  Run(Config({"table4_zero_shot"}));
  ASSERT_THAT(lines_, SizeIs(20));
  EXPECT_EQ(lines_.front(), "[1/20] pretrain Shop, base model sasrec, seed 1");
  EXPECT_THAT(lines_.back(),
              AllOf(HasSubstr("[20/20] evaluate Shop, PPR(full), zero-shot, seed 2"), HasSubstr("left")));
}

}  // namespace
}  // namespace ppr::experiment
