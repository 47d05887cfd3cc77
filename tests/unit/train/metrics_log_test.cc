// metrics.jsonl across crashes and resumes.
#include "train/metrics_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "base/errors.h"

namespace ppr::train {
namespace {

class MetricsLogTest : public testing::Test {
 protected:
  MetricsLogTest() {
    folder_ = testing::TempDir() + "metrics_log_" + std::to_string(::getpid()) + "_" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    CreateFolder(folder_);
    path_ = folder_ + "/metrics.jsonl";
  }
  ~MetricsLogTest() override { std::filesystem::remove_all(folder_); }

  std::string folder_, path_;
};

TEST_F(MetricsLogTest, AppendsLinesThatReadersSeeAtOnce) {
  MetricsLog log(path_, -1);
  EXPECT_EQ(ReadWholeFile(path_), "");
  log.Append(R"({"step": 1, "loss": 0.5})");
  EXPECT_EQ(ReadWholeFile(path_), "{\"step\": 1, \"loss\": 0.5}\n");
  log.Append(R"({"note": "a\nb"})");
  log.Sync();
  EXPECT_EQ(ReadWholeFile(path_), "{\"step\": 1, \"loss\": 0.5}\n{\"note\": \"a\\nb\"}\n");
}

TEST_F(MetricsLogTest, ResumeCutsWhatTheCheckpointHasNotSeen) {
  const std::string kept =
      "{\"session\": \"start\"}\n{\"step\": 10, \"loss\": 1}\n{\"step\":20}\n{\"event\": \"evaluation\"}\n";
  WriteFileDurably(path_,
                   "{\"session\": \"start\"}\n{\"step\": 10, \"loss\": 1}\n{\"step\":20}\n"
                   "{\"step\": 21}\n{\"event\": \"evaluation\"}\n{\"loss\": 3, \"step\": 30}\n");
  {
    MetricsLog log(path_, 20);
    EXPECT_EQ(ReadWholeFile(path_), kept);
    log.Append(R"({"step": 21, "attempt": 2})");
  }
  MetricsLog again(path_, 21);
  EXPECT_EQ(ReadWholeFile(path_), kept + "{\"step\": 21, \"attempt\": 2}\n");
}

TEST_F(MetricsLogTest, ResumeBeforeTheFirstStepKeepsNoSteps) {
  WriteFileDurably(path_, "{\"session\": 1}\n{\"step\": 0}\n{\"step\": 1}\n");
  MetricsLog log(path_, 0);
  EXPECT_EQ(ReadWholeFile(path_), "{\"session\": 1}\n{\"step\": 0}\n");
}

TEST_F(MetricsLogTest, StartingAnewDropsAll) {
  WriteFileDurably(path_, "{\"session\": 1}\n{\"step\": 0}\nnot even json\n");
  MetricsLog log(path_, -1);
  EXPECT_EQ(ReadWholeFile(path_), "");
}

TEST_F(MetricsLogTest, ResumeWithoutAFileCreatesIt) {
  MetricsLog log(path_, 100);
  log.Append(R"({"step": 101})");
  EXPECT_EQ(ReadWholeFile(path_), "{\"step\": 101}\n");
}

TEST_F(MetricsLogTest, ATornLastLineIsDropped) {
  for (const std::string& torn : {std::string("{\"step\": 2, \"lo"), std::string("{\"step\": 2}"),
                                  std::string(7, '\0') + "\n", std::string("{\"st\n")}) {
    WriteFileDurably(path_, "{\"step\": 1}\n" + torn);
    MetricsLog log(path_, 5);
    log.Append(R"({"step": 6})");
    EXPECT_EQ(ReadWholeFile(path_), "{\"step\": 1}\n{\"step\": 6}\n");
  }
}

TEST_F(MetricsLogTest, ABrokenLineAmongGoodOnesIsRefusedAndNothingChanged) {
  for (const std::string broken : {"{\"step\": 2", "", "[1]", "17"}) {
    const std::string text = "{\"step\": 1}\n" + broken + "\n{\"step\": 3}\n";
    WriteFileDurably(path_, text);
    try {
      MetricsLog log(path_, 1);
      FAIL() << "accepted '" << broken << "'";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(path_ + ":2:"));
    }
    EXPECT_EQ(ReadWholeFile(path_), text);
  }
}

TEST_F(MetricsLogTest, OnlyOneObjectALine) {
  MetricsLog log(path_, -1);
  for (const std::string bad : {"", "{", "[1, 2]", "3", "{\"a\": 1} {\"b\": 2}", "{\"a\":\n1}"}) {
    EXPECT_THROW(log.Append(bad), BugError) << bad;
  }
  EXPECT_EQ(ReadWholeFile(path_), "");
}

TEST_F(MetricsLogTest, AFullDeviceIsAnErrorAndResumeMendsTheFile) {
  MetricsLog log(path_, -1);
  log.Append(R"({"step": 1})");
  // A file size limit stands in for a full device: the write is cut short, the next one refused.
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 20;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(log.Append(R"({"step": 2, "loss": 0.25})"), StorageError);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(ReadWholeFile(path_).size(), 20u);
  MetricsLog mended(path_, 2);
  EXPECT_EQ(ReadWholeFile(path_), "{\"step\": 1}\n");
}

TEST_F(MetricsLogTest, AFolderThatIsNotThere) {
  EXPECT_THROW(MetricsLog(folder_ + "/absent/metrics.jsonl", -1), StorageError);
}

}  // namespace
}  // namespace ppr::train
