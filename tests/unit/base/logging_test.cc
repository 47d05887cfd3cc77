// Logs of a rank: the promised file, every line on disk at once, no stray links. Each case runs in a child
// process, since logging starts once a process.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "base/durable_file.h"
#include "base/errors.h"

#include "base/logging.h"

namespace ppr {
namespace {

using ::testing::HasSubstr;

class Logging : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() / ("ppr_logging_" + std::to_string(getpid()))).string();
    std::filesystem::remove_all(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // The wait status of a child that runs `body` and then exits 0.
  template <typename Body>
  int InChild(Body body) {
    const pid_t child = fork();
    if (child == 0) {
      body();
      _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
  }

  std::string folder_;
};

TEST_F(Logging, LinesSurviveKillMinusNine) {
  const int status = InChild([&] {
    StartLogging("ppr", folder_ + "/logs", 3);
    LOG(INFO) << "step 12 of the run";
    raise(SIGKILL);
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_THAT(ReadWholeFile(folder_ + "/logs/rank_0003.log"), HasSubstr("step 12 of the run"));
}

TEST_F(Logging, OneFileARankTakesAllSeverities) {
  EXPECT_EQ(InChild([&] {
              StartLogging("ppr", folder_, 0);
              FLAGS_stderrthreshold = google::GLOG_FATAL;
              LOG(INFO) << "first";
              LOG(WARNING) << "second";
              LOG(ERROR) << "third";
            }),
            0);
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_)) ++files;
  EXPECT_EQ(files, 1) << "no link and no file by severity";
  const std::string log = ReadWholeFile(folder_ + "/rank_0000.log");
  for (const char* line : {"first", "second", "third"}) EXPECT_THAT(log, HasSubstr(line));
}

TEST_F(Logging, AFolderThatCannotBeMadeIsAnErrorNotSilence) {
  WriteFileDurably(folder_, "a file");
  EXPECT_THROW(StartLogging("ppr", folder_ + "/logs", 0), StorageError);
}

}  // namespace
}  // namespace ppr
