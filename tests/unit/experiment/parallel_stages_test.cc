// Several stages at a time, played by fake_ppr.cc: the same bytes, and nothing left running.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "experiment_fixture.h"

namespace ppr::experiment {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using ParallelStagesTest = ExperimentTest;

// The fake stages read what they depend on: one that started too soon would fail or give other numbers.
TEST_F(ParallelStagesTest, SeveralAtATimeGiveTheSameBytes) {
  ExperimentConfig config = Config({"table3_few_shot", "table4_zero_shot"});
  config.rows.models = {"melu", "pretrain", "fine_tune", "ppr_light", "ppr_full"};
  Run(config);
  const std::vector<std::string> one_by_one = Products(config.output);
  const size_t stages = Calls().size();
  for (const int64_t parallel : {2, 7}) {
    config.output = scratch_ / ("parallel" + std::to_string(parallel));
    config.parallel_stages = parallel;
    Run(config);
    EXPECT_THAT(Calls(), SizeIs(stages));
    EXPECT_EQ(Products(config.output), one_by_one) << parallel << " at a time";
  }
}

TEST_F(ParallelStagesTest, AsManyStagesRunAtATimeAsAskedForAndNoMore) {
  ::setenv("FAKE_MEET", "3 tune ", 1);
  ::setenv("FAKE_SPANS", (scratch_ / "spans").c_str(), 1);
  ExperimentConfig config = Config({"table4_zero_shot"});
  config.parallel_stages = 3;
  Run(config);
  int64_t running = 0, most = 0;
  for (const char mark : ReadWholeFile(scratch_ / "spans")) {
    running += mark == '+' ? 1 : -1;
    most = std::max(most, running);
  }
  EXPECT_EQ(most, 3);
}

// The first tune fails while the second one runs; ten more wait for nothing but a place.
TEST_F(ParallelStagesTest, AFailureStopsWhatRunsBesidesAndStartsNothing) {
  const std::string tune = "tune --learning_rate=1e-4 --method=fine_tune --new_learning_rate=1e-4 --seed=";
  ::setenv("FAKE_MEET", "2 tune ", 1);
  ::setenv("FAKE_FAIL", ("65 " + tune + "1").c_str(), 1);
  ::setenv("FAKE_HANG", (tune + "2").c_str(), 1);
  ExperimentConfig config = Config({"table4_zero_shot"});
  config.parallel_stages = 2;
  const auto [code, text] = Failure(config);
  EXPECT_EQ(code, 65);
  EXPECT_THAT(text, HasSubstr("tune of Shop, fine-tuning, zero-shot, seed 1"));
  EXPECT_THAT(lines_.back(), AllOf(HasSubstr("seed 1, rate 1e-4 ended with exit code 65"),
                                   HasSubstr("what runs beside it is asked to stop")));
  EXPECT_THAT(Calls(), SizeIs(2 + 2));
  for (const char* const name : {"FAKE_MEET", "FAKE_FAIL", "FAKE_HANG"}) ::unsetenv(name);
  Run(config);
  EXPECT_THAT(Calls(), SizeIs(20 - 2)) << "the bases are kept";
}

TEST_F(ParallelStagesTest, SeveralAtATimeKeepGoingWhereInputsAre) {
  ::setenv("FAKE_FAIL", "70 pretrain --model=sasrec --seed=2", 1);
  ExperimentConfig config = Config({"table4_zero_shot"});
  config.keep_going = true;
  config.parallel_stages = 3;
  const auto [code, text] = Failure(config);
  EXPECT_EQ(code, 70);
  EXPECT_THAT(text, HasSubstr("1 of the stages failed"));
  // Of seed 2 nothing but its base was tried, and no rate was judged without it.
  EXPECT_THAT(Calls(), SizeIs(2 + 6));
}

TEST_F(ParallelStagesTest, ARequestToStopIsHandedToEveryStage) {
  ::setenv("FAKE_HANG", "tune ", 1);
  std::thread asks([this] {
    EXPECT_TRUE(SawCalls(scratch_ / "calls", "\ntune ", 3));
    SetStopRequested(SIGTERM);
  });
  ExperimentConfig config = Config({"table4_zero_shot"});
  config.parallel_stages = 3;
  const auto [code, text] = Failure(config);
  asks.join();
  EXPECT_EQ(code, 85);
  EXPECT_THAT(text, HasSubstr("stopped on request at tune of Shop"));
  EXPECT_THAT(Calls(), SizeIs(2 + 3));
}

// An error of this process, here of making the second stage's folder, asks the first one to stop and waits.
TEST_F(ParallelStagesTest, AnErrorOfTheRunnerEndsWhatRuns) {
  ::setenv("FAKE_HANG", "pretrain --model=sasrec --seed=1", 1);
  ExperimentConfig config = Config({"table4_zero_shot"});
  config.parallel_stages = 2;
  config.dry_run = true;
  const std::string plan = Run(config);
  config.dry_run = false;
  const size_t command = plan.find("pretrain --model=sasrec --seed=2");
  const size_t begin = plan.find("--output=", command) + 9;
  const std::string run = plan.substr(begin, plan.find_first_of(" \n", begin) - begin);
  const std::string folder = std::filesystem::path(run).parent_path();
  CreateFolder(config.output + "/stages");
  test::WriteBytes(folder, "in the way");
  EXPECT_EQ(Failure(config).first, 74);
  EXPECT_THAT(lines_, SizeIs(2)) << "the first one ran";
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD) << "and has ended";
  std::filesystem::remove(folder);
  ::unsetenv("FAKE_HANG");
  Calls();
  Run(config);
  EXPECT_THAT(Calls(), SizeIs(20));
}

// One that crashes while others are asked to stop did not stop on request.
TEST_F(ParallelStagesTest, ACrashBesideAFailureIsReported) {
  ::setenv("FAKE_MEET", "2 pretrain ", 1);
  ::setenv("FAKE_HANG", "pretrain --model=sasrec --seed=1", 1);
  ::setenv("FAKE_STOP", "139", 1);
  ::setenv("FAKE_FAIL", "65 pretrain --model=sasrec --seed=2", 1);
  ExperimentConfig config = Config({"table4_zero_shot"});
  config.parallel_stages = 2;
  const auto [code, text] = Failure(config);
  EXPECT_EQ(code, 65);
  EXPECT_THAT(
      text, AllOf(HasSubstr("seed 2 ended with exit code 65"), HasSubstr("seed 1 ended with exit code 139")));
}

TEST_F(ParallelStagesTest, NoneAtATimeAndStagesThatEachTakeAllCoresAreRefused) {
  ExperimentConfig config = Config({"table4_zero_shot"});
  config.parallel_stages = 0;
  EXPECT_THAT(config.Problems(), ElementsAre("parallel_stages: expected 1 or more, found 0"));
  config.parallel_stages = 2;
  config.pretrain = config.evaluate = {{"threads", "1"}};
  EXPECT_THAT(config.Problems(), ElementsAre(AllOf(HasSubstr("tune_flags: expected --threads=N"),
                                                   HasSubstr("--parallel_stages=2; found none"))));
  config.tune = {{"threads", "1"}};
  EXPECT_THAT(config.Problems(), IsEmpty());
}

}  // namespace
}  // namespace ppr::experiment
