// A refused run leaves no folder behind, and never removes what it did not make.
#include "cli/run_folder_guard.h"

#include <gtest/gtest.h>

#include "base/durable_file.h"
#include "unit/settings/flag_test_support.h"

namespace ppr::cli {
namespace {

using RunFolder = settings::FlagFiles;

TEST_F(RunFolder, AFolderWithLogsAloneGoesAway) {
  const std::string run = (folder_ / "run").string();
  const RunFolderGuard guard(run);
  Write("run/logs/rank_0000.log", "text");
  guard.Withdraw();
  EXPECT_FALSE(FileExists(run));
}

TEST_F(RunFolder, AnOlderFolderStays) {
  Write("run/logs/rank_0000.log", "text");
  RunFolderGuard((folder_ / "run").string()).Withdraw();
  EXPECT_TRUE(FileExists((folder_ / "run/logs/rank_0000.log").string()));
}

TEST_F(RunFolder, AnythingButLogsKeepsTheFolder) {
  for (const char* other : {"run/metrics.jsonl", "run/logs/notes.txt"}) {
    std::filesystem::remove_all(folder_ / "run");
    const RunFolderGuard guard((folder_ / "run").string());
    Write("run/logs/rank_0000.log", "text");
    Write(other, "text");
    guard.Withdraw();
    EXPECT_TRUE(FileExists((folder_ / "run/logs/rank_0000.log").string())) << other;
    EXPECT_TRUE(FileExists((folder_ / other).string())) << other;
  }
}

TEST_F(RunFolder, NoFolderIsNoError) {
  RunFolderGuard("").Withdraw();
  RunFolderGuard((folder_ / "never_made").string()).Withdraw();
}

}  // namespace
}  // namespace ppr::cli
