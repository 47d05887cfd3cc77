// `ppr experiment` through the real binary, its stages played by a program that answers at once
// (tests/unit/experiment/fake_ppr.cc). The stages themselves run in paper_tables_test.cc.
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <set>
#include <sstream>
#include <thread>

#include "base/durable_file.h"
#include "cli_program.h"

namespace ppr::e2e {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kPaper = PPR_SOURCE_DIR "/configs/paper/";

class ExperimentTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    Write("a.h5", "one dataset");
    Write("b.h5", "another");
  }

  static std::vector<std::string> Arguments(std::vector<std::string> more) {
    std::vector<std::string> arguments = {"experiment", "--program=" PPR_FAKE_PROGRAM, "--output=out"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  // Waits until a stage with `text` in its command line was started.
  bool SawCall(const std::string& text) const {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < give_up) {
      const std::string calls = (folder_ / "calls").string();
      if (FileExists(calls) && ReadWholeFile(calls).find(text) != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
};

TEST_F(ExperimentTest, RefusesEverythingAtOnceAndWritesNothing) {
  const ProgramResult result =
      RunPpr(Arguments({"--tables=table3_fewshot", "--datasets=A=a.h5,=x", "--models=ppr_ful", "--seeds=1,1",
                        "--learning_rates=fast", "--tune_flags=--bach_size=3",
                        "--pretrain_flags=--seed=4 --width=x"}),
             folder_);
  EXPECT_EQ(result.exit_code, 64);
  for (const char* const part :
       {"did you mean table3_few_shot?", "did you mean ppr_full?", "found 1 twice", "\"fast\"",
        "did you mean --batch_size?", "use --seeds", "--width=x", "found \"=x\""}) {
    EXPECT_THAT(result.err, HasSubstr(part));
  }
  EXPECT_THAT(Listing(), ElementsAre("a.h5", "b.h5"));
}

TEST_F(ExperimentTest, EveryFlagFileOfThePaperHasAPlan) {
  Write("a.csv", "clicks");
  Write("prepare.flags", "--interactions=a.csv\n--protocol=threshold\n");
  for (const char* const table :
       {"table1_parameters", "table2_datasets", "table3_few_shot", "table4_zero_shot", "table5_joint",
        "figure3_ablation", "table6_universality", "figure4_sparsity", "prompt_length", "table7_cross_domain",
        "table8_profile", "all"}) {
    const ProgramResult result =
        RunPpr(Arguments({"--flagfile=" + kPaper + table + ".flags", "--printed=" + kPaper + "printed.csv",
                          "--datasets=AliEC=prepare.flags,AliEC:AliAD=prepare.flags:b.h5", "--dry_run"}),
               folder_);
    EXPECT_EQ(result.exit_code, 0) << table << ": " << result.err;
    EXPECT_THAT(result.out, HasSubstr(" stages\n")) << table;
  }
  EXPECT_THAT(Listing(), Not(Contains("out")));
}

// Lines of a plan that tune a PPR model, without what says whose they are.
size_t PprStages(const std::string& plan, const std::string& with) {
  std::set<std::string> stages;
  std::istringstream lines(plan);
  for (std::string line; std::getline(lines, line);) {
    const bool tunes =
        line.find(" tune --") != std::string::npos && line.find("--method=ppr_") != std::string::npos;
    if (tunes && line.find(with) != std::string::npos) stages.insert(line);
  }
  return stages.size();
}

// The whole and four variants of two models: no flag that ships or is given makes two of them one.
TEST_F(ExperimentTest, TheAblationKeepsItsVariantsApart) {
  const std::vector<std::string> arguments =
      Arguments({"--flagfile=" + kPaper + "figure3_ablation.flags", "--printed=" + kPaper + "printed.csv",
                 "--datasets=A=a.h5", "--seeds=1", "--learning_rates=1e-3", "--dry_run"});
  const ProgramResult shipped = RunPpr(arguments, folder_);
  ASSERT_EQ(shipped.exit_code, 0) << shipped.err;
  EXPECT_EQ(PprStages(shipped.out, ""), 10u);
  EXPECT_EQ(PprStages(shipped.out, "--contrastive_weight=0 "), 2u);
  std::vector<std::string> weighted = arguments;
  weighted.push_back("--tune_flags=--contrastive_weight=0.01");
  const ProgramResult given = RunPpr(weighted, folder_);
  ASSERT_EQ(given.exit_code, 0) << given.err;
  EXPECT_EQ(PprStages(given.out, ""), 10u);
  EXPECT_EQ(PprStages(given.out, "--contrastive_weight=0.01 "), 8u);
  EXPECT_EQ(PprStages(given.out, "--contrastive_weight=0 "), 2u);
}

// Values and combinations that only the stage's own plan can judge.
TEST_F(ExperimentTest, RefusesWhatAStageWouldRefuse) {
  Write("raw.csv", "clicks");
  Write("raw.flags", "--interactions=raw.csv\n--cold_clicks=0\n");
  const ProgramResult result =
      RunPpr(Arguments({"--tables=table3_few_shot", "--datasets=A=a.h5,B=raw.flags", "--seeds=1,2",
                        "--learning_rates=1e-3", "--pretrain_flags=--negatives=4 --heads=3 --width=64",
                        "--tune_flags=--temperature=-1 --metric=aucc", "--evaluate_flags=--threads=-1"}),
             folder_);
  EXPECT_EQ(result.exit_code, 64);
  for (const char* const part :
       {"prepare of B: --cold_clicks", "pretrain of A, MeLU, few-shot, seed 1, rate 1e-3: --negatives",
        "--heads", "tune of A, fine-tuning, few-shot, seed 1, rate 1e-3: --temperature", "did you mean auc",
        "evaluate of A", "--threads"}) {
    EXPECT_THAT(result.err, HasSubstr(part));
  }
  EXPECT_THAT(Listing(), Not(Contains("out/stages")));
  EXPECT_FALSE(FileExists((folder_ / "calls").string()));
}

TEST_F(ExperimentTest, StopsOnRequestAndGoesOn) {
  const std::vector<std::string> arguments =
      Arguments({"--tables=table4_zero_shot", "--datasets=A=a.h5", "--seeds=1", "--learning_rates=1e-3"});
  std::vector<std::string> words = {PprPath()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  Program program(words, folder_, {"FAKE_CALLS=calls", "FAKE_HANG=--method=ppr_light"});
  EXPECT_TRUE(SawCall("--method=ppr_light"));
  program.Signal(SIGTERM);
  const ProgramResult stopped = program.Wait();
  EXPECT_EQ(stopped.exit_code, 85);
  EXPECT_THAT(stopped.err, HasSubstr("start the same command again"));
  const ProgramResult done = RunPpr(arguments, folder_);
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.err,
              AllOf(Not(HasSubstr("fine-tuning, zero-shot, seed 1, rate")), HasSubstr("PPR(light)")));
}

TEST_F(ExperimentTest, AFailingStageGivesItsCode) {
  const std::vector<std::string> arguments =
      Arguments({"--tables=table4_zero_shot", "--datasets=A=a.h5", "--seeds=1"});
  std::vector<std::string> words = {PprPath()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const ProgramResult result = Program(words, folder_, {"FAKE_FAIL=93 tune "}).Wait();
  EXPECT_EQ(result.exit_code, 93);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("93: starting again would fail in the same way"), HasSubstr("last words")));
}

// Where a browser is, if there is one.
std::string FindBrowser() {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    for (const char* const name : {"chromium", "chromium-browser", "google-chrome"}) {
      if (::access((folder + "/" + name).c_str(), X_OK) == 0) return folder + "/" + name;
    }
  }
  return "";
}

TEST_F(ExperimentTest, TheReportOpensInABrowserInLightAndDark) {
  const std::string browser = FindBrowser();
  if (browser.empty())
    GTEST_SKIP() << "no browser here: report.html was not opened (apt-get install chromium)";
  const ProgramResult made =
      RunPpr(Arguments({"--tables=table3_few_shot,figure4_sparsity", "--datasets=CIKM=a.h5",
                        "--printed=" + kPaper + "printed.csv", "--seeds=1,2", "--ks=1,5"}),
             folder_);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const ProgramResult opened = Program({"/usr/bin/env", "python3", PPR_SOURCE_DIR "/tests/e2e/open_report.py",
                                        browser, "out/report.html", folder_.string()},
                                       folder_)
                                   .Wait();
  EXPECT_EQ(opened.exit_code, 0) << opened.out << opened.err;
}

}  // namespace
}  // namespace ppr::e2e
