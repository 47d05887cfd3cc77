// What a stage refuses of the files it is given: each case names the file, what was expected and what was
// found, ends with its exit code, and leaves nothing behind.
#include <gmock/gmock.h>

#include <fstream>

#include "base/durable_file.h"
#include "cli_program.h"

namespace ppr::e2e {
namespace {

using ::testing::HasSubstr;
using Words = std::vector<std::string>;

// Clicks of 40 users, enough for every part, with profiles.
class StageRefusals : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    std::string clicks = "user_id,item_id,timestamp\n";
    std::string profiles = "user_id,age\n";
    for (int user = 0; user < 40; ++user) {
      for (int click = 0; click < 8; ++click) {
        clicks += "u" + std::to_string(user) + ",i" + std::to_string((user * 5 + click * 3) % 30) + "," +
                  std::to_string(click) + "\n";
      }
      profiles += "u" + std::to_string(user) + "," + std::to_string(user % 3) + "\n";
    }
    Write("clicks.csv", clicks);
    Write("profiles.csv", profiles);
    Prepare("data.h5", {"--users=profiles.csv"});
    ExpectDone({"pretrain", "--dataset=data.h5", "--output=base", "--blocks=1", "--width=8", "--ffn_width=8",
                "--max_steps=2", "--progress=none"});
  }
  void Prepare(const std::string& output, const Words& more) const {
    Words words = {"prepare", "--interactions=clicks.csv", "--num_candidates=5", "--holdout_share=0.5",
                   "--output=" + output};
    words.insert(words.end(), more.begin(), more.end());
    ExpectDone(words);
  }
  void ExpectDone(const Words& words) const {
    const ProgramResult result = RunPpr(words, folder_);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  static Words Tune(const Words& more) {
    Words words = {"tune",           "--dataset=data.h5", "--checkpoint=base",
                   "--output=tuned", "--max_steps=2",     "--progress=none"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  void ExpectRefused(const Words& words, int exit_code, const std::vector<std::string>& parts) const {
    const ProgramResult result = RunPpr(words, folder_);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    for (const std::string& part : parts) EXPECT_THAT(result.err, HasSubstr(part));
    EXPECT_FALSE(FileExists((folder_ / "tuned/checkpoints").string()));
    EXPECT_FALSE(FileExists((folder_ / "evaluation/metrics.json").string()));
  }
  std::string Checkpoint() const { return (folder_ / "base/checkpoints/step_000000000002").string(); }
  // Overwrites the byte at `offset` of a file.
  static void Damage(const std::string& path, int64_t offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(offset);
    const auto byte = static_cast<char>(file.get() ^ 0x20);
    file.seekp(offset);
    file.put(byte);
  }
};

TEST_F(StageRefusals, ACheckpointOfAnotherDatasetFile) {
  Prepare("other.h5", {"--users=profiles.csv", "--seed=2"});
  ExpectRefused(Tune({"--dataset=other.h5"}), 65, {"step_000000000002", "other.h5", "digest"});
  ExpectRefused({"evaluate", "--dataset=other.h5", "--checkpoint=base", "--output=evaluation"}, 65,
                {"other.h5", "digest"});
}

TEST_F(StageRefusals, ATunedCheckpointToTuneFrom) {
  ExpectDone({"tune", "--dataset=data.h5", "--checkpoint=base", "--output=first", "--max_steps=2",
              "--progress=none"});
  ExpectRefused(Tune({"--checkpoint=first"}), 65, {"expected a checkpoint of pretrain, found one of tune"});
}

TEST_F(StageRefusals, AFolderThatHoldsNoCheckpoint) {
  ExpectRefused(Tune({"--checkpoint=nowhere"}), 65, {"nowhere"});
}

TEST_F(StageRefusals, ADamagedShard) {
  Damage(Checkpoint() + "/shard_0000.h5", 2000);
  ExpectRefused(Tune({}), 65, {"shard_0000.h5", "digest", "expected", "found"});
  ExpectRefused(Tune({"--local_ranks=3"}), 65, {"shard_0000.h5", "digest"});
}

TEST_F(StageRefusals, ACutShard) {
  std::filesystem::resize_file(Checkpoint() + "/shared.h5", 100);
  ExpectRefused(Tune({}), 65, {"shared.h5", "expected", "found"});
}

TEST_F(StageRefusals, AMissingShard) {
  std::filesystem::remove(Checkpoint() + "/shard_0000.h5");
  ExpectRefused(Tune({}), 65, {"shard_0000.h5"});
}

TEST_F(StageRefusals, ADamagedManifest) {
  Damage(Checkpoint() + "/manifest.json", 40);
  ExpectRefused({"evaluate", "--dataset=data.h5", "--checkpoint=base", "--output=evaluation"}, 65,
                {"manifest.json"});
}

TEST_F(StageRefusals, ADamagedDataset) {
  Damage((folder_ / "data.h5").string(), 3000);
  ExpectRefused(Tune({}), 65, {"data.h5", "expected", "found", "altered"});
}

TEST_F(StageRefusals, ACutDataset) {
  std::filesystem::resize_file(folder_ / "data.h5", 1000);
  ExpectRefused({"evaluate", "--dataset=data.h5", "--checkpoint=base", "--output=evaluation"}, 65,
                {"data.h5", "expected", "found"});
}

TEST_F(StageRefusals, AProfileFieldThatIsNotThere) {
  ExpectRefused(Tune({"--profile_fields=agge"}), 64, {"agge", "did you mean age?"});
}

TEST_F(StageRefusals, ADatasetWithoutProfilesOrColdUsers) {
  Prepare("bare.h5", {});
  ExpectRefused(Tune({"--dataset=bare.h5"}), 65, {"bare.h5", "expected user profiles"});
  Prepare("all_warm.h5", {"--users=profiles.csv", "--protocol=leave_one_out"});
  ExpectRefused(Tune({"--dataset=all_warm.h5"}), 65, {"all_warm.h5", "expected cold users"});
}

TEST_F(StageRefusals, NoClickToTrainOn) {
  // Every user has one click: nothing follows it.
  std::string clicks = "user_id,item_id,timestamp\n";
  for (int user = 0; user < 40; ++user)
    clicks += "u" + std::to_string(user) + ",i" + std::to_string(user % 20) + ",1\n";
  Write("clicks.csv", clicks);
  Prepare("single.h5", {"--users=profiles.csv"});
  ExpectRefused({"pretrain", "--dataset=single.h5", "--output=tuned", "--progress=none"}, 65,
                {"single.h5", "found none"});
}

TEST_F(StageRefusals, APartWithoutCases) {
  ExpectRefused(
      {"evaluate", "--dataset=data.h5", "--checkpoint=base", "--part=validation", "--output=evaluation"}, 65,
      {"data.h5", "validation", "found none"});
}

}  // namespace
}  // namespace ppr::e2e
