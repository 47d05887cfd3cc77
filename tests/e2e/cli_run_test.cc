// Runs on the shipped data: what a run leaves behind, how it stops and goes on, and one message from a job of
// many ranks.
#include <gmock/gmock.h>

#include <csignal>
#include <thread>

#include "base/durable_file.h"
#include "cli_program.h"

namespace ppr::e2e {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

size_t CountOf(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

class CliRun : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    PrepareShippedData();
  }

  std::vector<std::string> Pretrain(const std::string& run, std::vector<std::string> more) const {
    more.insert(more.begin(), {"pretrain", "--dataset=data.h5", "--output=" + run, "--blocks=1", "--width=8",
                               "--ffn_width=8", "--batch_size=16", "--progress=plain"});
    return more;
  }
  // launch/mpirun.sh with `words`, started in the scratch folder.
  std::unique_ptr<Program> Mpirun(int ranks, std::vector<std::string> words) const {
    words.insert(words.begin(), {PPR_SOURCE_DIR "/launch/mpirun.sh", std::to_string(ranks)});
    return std::make_unique<Program>(words, folder_, std::vector<std::string>{"PPR=" + PprPath()});
  }
  std::string FileText(const std::string& name) const { return ReadWholeFile((folder_ / name).string()); }
};

TEST_F(CliRun, LeavesSettingsLogsAndMetricsThatStartItAgain) {
  const ProgramResult first = RunPpr(Pretrain("run", {"--max_steps=3", "--seed=5"}), folder_);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("best checkpoint: run/checkpoints/step_000000000003"));
  EXPECT_THAT(FileText("run/logs/rank_0000.log"), ContainsRegex("ppr pretrain, rank 0 of 1.* threads"));
  EXPECT_THAT(FileText("run/metrics.jsonl"), HasSubstr("\"step\":3"));
  const ProgramResult second = RunPpr({"pretrain", "--flagfile=run/config.flags", "--output=again"}, folder_);
  ASSERT_EQ(second.exit_code, 0) << second.err;
  const std::string shard = "/checkpoints/step_000000000003/shard_0000.h5";
  EXPECT_EQ(FileText("again" + shard), FileText("run" + shard)) << "the stored settings repeat the run";
}

TEST_F(CliRun, RanksAsThreadsMakeOneShardEach) {
  const ProgramResult result = RunPpr(Pretrain("run", {"--max_steps=2", "--local_ranks=3"}), folder_);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(FileExists((folder_ / "run/checkpoints/step_000000000002/shard_0002.h5").string()));
}

// Waits for the first line of progress, at most a minute, so that the signal meets a run and not its start.
bool WaitForFile(const std::filesystem::path& path) {
  for (int i = 0; i < 600; ++i) {
    if (std::filesystem::exists(path)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return false;
}

TEST_F(CliRun, ARequestToStopUnderMpirunEndsWith85AndGoesOn) {
  const std::unique_ptr<Program> job = Mpirun(2, Pretrain("run", {"--max_epochs=1000000"}));
  ASSERT_TRUE(WaitForFile(folder_ / "run/checkpoints/LATEST"));
  job->Signal(SIGTERM);
  const ProgramResult stopped = job->Wait();
  EXPECT_EQ(stopped.exit_code, 85) << stopped.err;
  EXPECT_EQ(CountOf(stopped.err, "stopped on request"), 1u) << "rank 0 speaks for all: " << stopped.err;
  const ProgramResult resumed =
      RunPpr(Pretrain("run", {"--max_epochs=1000000", "--max_steps=1", "--resume"}), folder_);
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
}

TEST_F(CliRun, AJobOfRanksRefusesBadFlagsOnce) {
  const ProgramResult result = Mpirun(2, Pretrain("run", {"--widht=3"}))->Wait();
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_EQ(CountOf(result.err, "did you mean --width?"), 1u) << result.err;
  EXPECT_FALSE(FileExists((folder_ / "run").string()));
}

TEST_F(CliRun, AnErrorThatAllRanksMeetIsToldOnceByRankZero) {
  const ProgramResult result =
      Mpirun(2, {"evaluate", "--dataset=data.h5", "--checkpoint=none", "--output=run"})->Wait();
  EXPECT_EQ(result.exit_code, 65);
  EXPECT_EQ(CountOf(result.err, "no checkpoint at none"), 1u) << result.err;
  EXPECT_THAT(result.err, HasSubstr("ppr evaluate: rank 0"));
  EXPECT_FALSE(FileExists((folder_ / "run").string()));
}

TEST_F(CliRun, SingleProcessesAreRefusedOnRanks) {
  const ProgramResult result = Mpirun(2, {"compare", "a.tsv", "b.tsv"})->Wait();
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_EQ(CountOf(result.err, "runs as one process"), 1u) << result.err;
}

TEST_F(CliRun, RanksWithDifferentFlagsAreRefused) {
  // OMPI_COMM_WORLD_RANK differs by rank.
  Write("rank.sh", "#!/bin/sh\nexec " + PprPath() + " \"$@\" --seed=$OMPI_COMM_WORLD_RANK\n");
  std::filesystem::permissions(folder_ / "rank.sh", std::filesystem::perms::owner_all);
  std::vector<std::string> words = Pretrain("run", {});
  words.insert(words.begin(), {PPR_SOURCE_DIR "/launch/mpirun.sh", "2"});
  const ProgramResult result = Program(words, folder_, {"PPR=" + (folder_ / "rank.sh").string()}).Wait();
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_THAT(result.err, AllOf(HasSubstr("different flags"), HasSubstr("--seed=0 as on rank 0"),
                                HasSubstr("--seed=1 on rank 1")));
}

TEST_F(CliRun, EvaluationsAreComparedCaseByCase) {
  for (const char* baseline : {"popularity", "position_popularity"}) {
    ASSERT_EQ(RunPpr({"evaluate", "--dataset=data.h5", std::string("--baseline=") + baseline,
                      std::string("--output=") + baseline},
                     folder_)
                  .exit_code,
              0);
  }
  const ProgramResult compared =
      RunPpr({"compare", "popularity/cases.tsv", "position_popularity/cases.tsv"}, folder_);
  ASSERT_EQ(compared.exit_code, 0) << compared.err;
  for (const char* metric : {"auc", "hit@10", "ndcg@10", "mrr"})
    EXPECT_EQ(CountOf(compared.out, std::string("\n") + metric + " "), 2u);
  const ProgramResult same =
      RunPpr({"compare", "--a=popularity/cases.tsv", "--b=popularity/cases.tsv"}, folder_);
  EXPECT_THAT(same.out, ContainsRegex("ndcg@10 .*\\+0\\.0000 .*\\+0\\.0000, +\\+0\\.0000\\] +1\n"));
}

TEST_F(CliRun, EvaluationsOfDifferentCasesAreNotCompared) {
  for (const char* task : {"few_shot", "zero_shot"}) {
    ASSERT_EQ(RunPpr({"evaluate", "--dataset=data.h5", "--baseline=popularity", std::string("--task=") + task,
                      std::string("--output=") + task},
                     folder_)
                  .exit_code,
              0);
  }
  const ProgramResult result = RunPpr({"compare", "few_shot/cases.tsv", "zero_shot/cases.tsv"}, folder_);
  EXPECT_EQ(result.exit_code, 65);
  EXPECT_THAT(result.err, AllOf(HasSubstr("cannot compare few_shot/cases.tsv with zero_shot/cases.tsv"),
                                HasSubstr("expected"), HasSubstr("found")));
}

}  // namespace
}  // namespace ppr::e2e
