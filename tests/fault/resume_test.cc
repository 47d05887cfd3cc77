// Stopped work goes on as if nothing had happened: runs killed with SIGKILL at arbitrary moments and started
// again with
// --resume end with the bytes of an uninterrupted run; checkpoints change hands between stages and numbers of
// ranks.
#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/durable_file.h"
#include "base/random.h"
#include "e2e/cli_program.h"

namespace ppr::e2e {
namespace {

using ::testing::HasSubstr;

using Words = std::vector<std::string>;

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

class Resume : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    PrepareShippedData();
  }

  static Words Pretrain(const std::string& run, int max_steps) {
    return {"pretrain",
            "--dataset=data.h5",
            "--output=" + run,
            "--blocks=1",
            "--width=16",
            "--ffn_width=16",
            "--batch_size=64",
            "--max_history=30",
            "--dropout=0.1",
            "--threads=1",
            "--evaluate_every_steps=60",
            "--checkpoint_every_steps=7",
            "--max_epochs=1000",
            "--progress=none",
            "--max_steps=" + std::to_string(max_steps)};
  }
  // Wide enough that both threads get sequences to compute.
  static Words PretrainOnTwoThreads(const std::string& run, int max_steps) {
    Words words = Pretrain(run, max_steps);
    std::replace(words.begin(), words.end(), std::string("--threads=1"), std::string("--threads=2"));
    std::replace(words.begin(), words.end(), std::string("--width=16"), std::string("--width=64"));
    return words;
  }
  static Words Tune(const std::string& run, int max_steps) {
    return {"tune",
            "--dataset=data.h5",
            "--checkpoint=base",
            "--output=" + run,
            "--method=ppr_full",
            "--task=joint",
            "--batch_size=64",
            "--threads=1",
            "--evaluate_every_steps=60",
            "--checkpoint_every_steps=7",
            "--max_epochs=1000",
            "--progress=none",
            "--max_steps=" + std::to_string(max_steps)};
  }
  // `words` under mpirun on `ranks` processes, or as threads of one process.
  Words Launched(const Words& words, int ranks, bool mpirun) const {
    if (mpirun) return Words{PPR_SOURCE_DIR "/launch/mpirun.sh", std::to_string(ranks)} + words;
    return Words{PprPath()} + words + Words{"--local_ranks=" + std::to_string(ranks)};
  }
  ProgramResult Run(const Words& words) const { return Program(words, folder_, {"PPR=" + PprPath()}).Wait(); }

  // Starts `words` again and again, each time killing every process of it once it has committed a few
  // checkpoints more (the first time: before any), until it ends by itself. Returns how often it was killed.
  int RunKilledOften(const Words& words, const std::string& run) const {
    const RandomKey key = MakeRandomKey(11, RandomSite::kTest);
    for (int kills = 0; kills < 100; ++kills) {
      Program program(words, folder_, {"PPR=" + PprPath()});
      const auto attempt = static_cast<uint64_t>(kills);
      // Once the last step is committed only the end of the process is left: that one may come.
      if (WaitForCommits(run, kills == 0 ? 0 : 1 + static_cast<int>(key.Below(4, attempt)))) {
        std::this_thread::sleep_for(std::chrono::milliseconds(key.Below(40, 1000 + attempt)));
        KillProcessesOf(run);
      }
      const ProgramResult result = program.Wait();
      if (result.exit_code == 0) return kills;
      if (result.exit_code != 128 + SIGKILL) {
        ADD_FAILURE() << "after " << kills << " kills the run ended with " << result.exit_code << ": "
                      << result.err;
        return -1;
      }
    }
    ADD_FAILURE() << "did not end in 100 attempts";
    return -1;
  }

  std::string Latest(const std::string& run) const {
    const std::string path = (folder_ / run / "checkpoints/LATEST").string();
    return FileExists(path) ? ReadWholeFile(path) : "";
  }

  // Returns when LATEST has moved `commits` times, or after a minute; false when the last step is committed.
  bool WaitForCommits(const std::string& run, int commits) const {
    std::string seen = Latest(run);
    for (int polls = 0; commits > 0 && polls < 12000; ++polls) {
      if (seen.find("step_000000000180") != std::string::npos) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      const std::string now = Latest(run);
      if (now != seen) --commits;
      seen = now;
    }
    return true;
  }

  // SIGKILL to every process that has "--output=<run>" on its command line.
  void KillProcessesOf(const std::string& run) const {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string name = entry.path().filename().string();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      std::ifstream file(entry.path() / "cmdline", std::ios::binary);
      const std::string command((std::istreambuf_iterator<char>(file)), {});
      std::error_code gone;
      const bool here = std::filesystem::read_symlink(entry.path() / "cwd", gone) == folder_;
      if (here && command.find("--output=" + run) != std::string::npos)
        ::kill(std::atoi(name.c_str()), SIGKILL);
    }
  }

  void ExpectSameState(const std::string& a, const std::string& b, int ranks) const {
    const std::string step = "/checkpoints/step_000000000180/";
    std::vector<std::string> files = {step + "shared.h5", step + "manifest.json", "/metrics.jsonl",
                                      "/checkpoints/BEST", "/checkpoints/LATEST"};
    for (int rank = 0; rank < ranks; ++rank)
      files.push_back(step + "shard_000" + std::to_string(rank) + ".h5");
    for (const std::string& file : files) {
      EXPECT_EQ(ReadWholeFile((folder_ / (a + file)).string()),
                ReadWholeFile((folder_ / (b + file)).string()))
          << file;
    }
  }

  // A run of `stage` (output folder, steps) left alone and one killed often end with the same bytes.
  void ExpectSameWhenKilled(Words (*stage)(const std::string&, int), int ranks, bool mpirun) const {
    ASSERT_EQ(Run(Launched(stage("whole", 180), ranks, mpirun)).exit_code, 0);
    const int kills =
        RunKilledOften(Launched(stage("killed", 180) + Words{"--resume"}, ranks, mpirun), "killed");
    EXPECT_GE(kills, 1) << "the run ended before it could be killed: the test shows nothing";
    ExpectSameState("whole", "killed", ranks);
  }

  nlohmann::json Metrics(const std::string& output) const {
    return nlohmann::json::parse(ReadWholeFile((folder_ / output / "metrics.json").string()));
  }
};

TEST_F(Resume, PretrainKilledOftenEndsWithTheSameBytes) { ExpectSameWhenKilled(Pretrain, 1, false); }
TEST_F(Resume, TwoThreadsKilledOftenEndWithTheSameBytes) {
  ExpectSameWhenKilled(PretrainOnTwoThreads, 1, false);
}
TEST_F(Resume, TwoRanksUnderMpirunKilledOftenEndWithTheSameBytes) { ExpectSameWhenKilled(Pretrain, 2, true); }
TEST_F(Resume, TuneKilledOftenEndsWithTheSameBytes) {
  ASSERT_EQ(Run(Launched(Pretrain("base", 20), 2, false)).exit_code, 0);
  ExpectSameWhenKilled(Tune, 2, false);
}

TEST_F(Resume, ACheckpointOfThreeRanksEvaluatesTheSameOnAnyNumber) {
  ASSERT_EQ(Run(Launched(Pretrain("base", 40), 3, false)).exit_code, 0);
  ASSERT_EQ(Run(Launched(Tune("tuned", 20), 3, false)).exit_code, 0);
  std::vector<nlohmann::json> found;
  for (const int ranks : {1, 2, 4}) {
    const std::string output = "evaluation" + std::to_string(ranks);
    const ProgramResult result = Run(Launched({"evaluate", "--dataset=data.h5", "--checkpoint=tuned",
                                               "--task=joint", "--threads=1", "--output=" + output},
                                              ranks, false));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    found.push_back(Metrics(output));
  }
  for (const char* against : {"stored_candidates", "full_catalogue"}) {
    for (const auto& [name, value] : found[0][against].items()) {
      for (size_t i = 1; i < found.size(); ++i) {
        // User vectors differ by rounding when they are computed beside others; that may swap near-equal
        // scores of a case.
        EXPECT_NEAR(found[i][against][name].get<double>(), value.get<double>(), 1e-4)
            << against << " " << name;
      }
    }
  }
}

TEST_F(Resume, OnAnotherNumberOfRanksTheCurveGoesOn) {
  ASSERT_EQ(Run(Launched(Pretrain("whole", 180), 1, false)).exit_code, 0);
  ASSERT_EQ(Run(Launched(Pretrain("moved", 70), 2, false)).exit_code, 0);
  ASSERT_EQ(Run(Launched(Pretrain("moved", 120) + Words{"--resume"}, 3, false)).exit_code, 0);
  ASSERT_EQ(Run(Launched(Pretrain("moved", 180) + Words{"--resume"}, 1, false)).exit_code, 0);
  std::map<int, double> losses[2];
  for (int i : {0, 1}) {
    std::ifstream lines(folder_ / (i == 0 ? "whole" : "moved") / "metrics.jsonl");
    for (std::string line; std::getline(lines, line);) {
      const nlohmann::json json = nlohmann::json::parse(line);
      if (json.contains("loss")) losses[i][json["step"]] = json["loss"];
    }
  }
  ASSERT_EQ(losses[0].size(), 3u);
  // Rounding, carried on by 180 steps.
  for (const auto& [step, loss] : losses[0])
    EXPECT_NEAR(losses[1].at(step) / loss, 1.0, 1e-4) << "step " << step;
}

TEST_F(Resume, RefusesOtherSettingsAndNamesThem) {
  ASSERT_EQ(Run(Launched(Pretrain("run", 7), 1, false)).exit_code, 0);
  const ProgramResult refused =
      Run(Launched(Pretrain("run", 20) + Words{"--resume", "--learning_rate=0.5", "--seed=3"}, 1, false));
  EXPECT_EQ(refused.exit_code, 64);
  EXPECT_THAT(refused.err, HasSubstr("learning_rate: expected 0.001, as the checkpoint has it, found 0.5"));
  EXPECT_THAT(refused.err, HasSubstr("seed: expected 1, as the checkpoint has it, found 3"));
  const ProgramResult taken = Run(Launched(Pretrain("run", 20), 1, false));
  EXPECT_EQ(taken.exit_code, 64);
  EXPECT_THAT(taken.err, HasSubstr("already holds a run"));
}

}  // namespace
}  // namespace ppr::e2e
