#include "experiment/child_process.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <memory>
#include <thread>

#include "base/durable_file.h"
#include "base/errors.h"
#include "base/stop_request.h"
#include "support/temporary_folder.h"

namespace ppr::experiment {
namespace {

using std::chrono::milliseconds;

ChildResult WaitForEnd(ChildProcess& child) {
  for (;;) {
    if (const std::optional<ChildResult> result = child.Poll()) return *result;
    std::this_thread::sleep_for(milliseconds(1));
  }
}

class ChildProcessTest : public ::testing::Test {
 protected:
  // The process id that the child wrote to its log.
  pid_t WrittenPid() const {
    while (!FileExists(log_) || ReadWholeFile(log_).find('\n') == std::string::npos)
      std::this_thread::sleep_for(milliseconds(1));
    return std::stoi(ReadWholeFile(log_));
  }

  test::TemporaryFolder scratch_;
  std::string log_ = scratch_ / "log";
};

TEST_F(ChildProcessTest, OutputGoesToTheLogAndTheCodeComesBack) {
  ChildProcess child({"sh", "-c", "echo out; echo err >&2; exit 65"}, log_);
  const ChildResult result = WaitForEnd(child);
  EXPECT_EQ(result.exit_code, 65);
  EXPECT_FALSE(result.was_told);
  EXPECT_EQ(ReadWholeFile(log_), "out\nerr\n");
}

TEST_F(ChildProcessTest, ASignalIsACodeAbove128) {
  ChildProcess child({"sh", "-c", "kill -SEGV $$"}, log_);
  EXPECT_EQ(WaitForEnd(child).exit_code, 128 + SIGSEGV);
}

TEST_F(ChildProcessTest, AMissingProgramIsRefused) {
  EXPECT_THROW(ChildProcess({"no such program"}, log_), ConfigError);
}

// Between fork and exec a child has the handlers of this process, which would take the request for their own.
TEST_F(ChildProcessTest, ARequestIsNotLostOnAChildThatIsAboutToStart) {
  InstallStopHandlers();
  for (int i = 0; i < 20; ++i) {
    ChildProcess child({"sleep", "30"}, log_);
    std::this_thread::sleep_for(std::chrono::microseconds(100 * i));
    child.AskToStop();
    const ChildResult result = WaitForEnd(child);
    EXPECT_EQ(result.exit_code, 128 + SIGUSR1);
    EXPECT_TRUE(result.was_told);
    EXPECT_LT(result.seconds, 20) << "it slept to its end";
  }
  EXPECT_EQ(StopRequested(), 0) << "the request is the child's alone";
}

TEST_F(ChildProcessTest, ItEndsWithItsOwner) {
  pid_t pid = 0;
  {
    const ChildProcess child({"sh", "-c", "echo $$; trap '' TERM USR1; sleep 60; sleep 60"}, log_);
    pid = WrittenPid();
  }
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "nothing is left to wait for";
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace ppr::experiment
