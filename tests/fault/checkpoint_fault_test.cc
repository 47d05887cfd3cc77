// A checkpoint writer that is killed, or whose disk fails or fills up, at any moment: the newest committed
// checkpoint loads and verifies, the error is named, and the next checkpoint succeeds.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "base/errors.h"
#include "base/random.h"
#include "checkpoint/checkpoint.h"
#include "support/checkpoint_sample.h"
#include "support/run_ranks.h"
#include "support/temporary_folder.h"

namespace ppr::train {
namespace {

namespace fs = std::filesystem;
using dist::Communicator;
using testing::HasSubstr;

constexpr int64_t kItems = 101;
constexpr int kStorageExit = static_cast<int>(ExitCode::kStorage);

void WriteSample(const std::string& run, int64_t step) {
  test::RunRanks(2, [&](Communicator& communicator) {
    checkpoint::WriteCheckpoint(communicator, run, test::SampleContents(communicator, kItems, step), {});
  });
}

// The step of the checkpoint that LATEST names, after it has been read and found right; -1 with a failure
// otherwise.
int64_t VerifiedStep(const std::string& run) {
  int64_t step = -1;
  try {
    test::RunRanks(1, [&](Communicator& communicator) {
      const checkpoint::StoredCheckpoint loaded = checkpoint::OpenCheckpoint(
          communicator, checkpoint::ResolveCheckpoint(communicator, run, "LATEST"));
      test::ExpectSample(loaded, communicator, kItems);
      step = loaded.manifest.step;
    });
  } catch (const Error& error) {
    ADD_FAILURE() << error.what();
  }
  return step;
}

// What is in the checkpoints folder and should not be: half checkpoints after the next whole one.
std::vector<std::string> Leftovers(const std::string& run) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(run + "/checkpoints")) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".tmp") && name.starts_with("step_")) names.push_back(name);
  }
  return names;
}

// A child process: its exit status, and all that it wrote.
struct Ended {
  int exit_code = -1;  // 128 + n for signal n
  std::string output;
};

// Runs a command to its end, `before_exec` in the child first. Kills it when its output holds `kill_after`
// and then `kill_delay_us` have passed.
Ended RunCommand(
    const std::vector<std::string>& command, const std::function<void()>& before_exec = [] {},
    const std::string& kill_after = "", int kill_delay_us = 0) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw StorageErrorFromErrno("cannot make a pipe for", command[0]);
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    before_exec();
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  Ended ended;
  char buffer[4096];
  for (ssize_t got; (got = ::read(ends[0], buffer, sizeof(buffer))) > 0;) {
    ended.output.append(buffer, static_cast<size_t>(got));
    if (!kill_after.empty() && ended.output.find(kill_after) != std::string::npos) {
      ::usleep(static_cast<useconds_t>(kill_delay_us));
      ::kill(child, SIGKILL);
    }
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  ended.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return ended;
}

std::vector<std::string> Writer(const std::string& run, int64_t first, int64_t last) {
  return {PPR_CHECKPOINT_WRITER, run, "2", std::to_string(first), std::to_string(last)};
}

TEST(KilledWriter, NewestCommittedCheckpointLoads) {
  const test::TemporaryFolder run;
  WriteSample(run.path(), 1);
  int64_t last = 1;
  for (uint64_t round = 0; round < 12; ++round) {
    // Killed up to 40 ms, several checkpoints, after the first that it committed.
    const int delay_us = static_cast<int>(MakeRandomKey(1, RandomSite::kTest).Below(40'000, round));
    const Ended ended = RunCommand(
        Writer(run.path(), last + 1, last + 1000), [] {}, "committed", delay_us);
    EXPECT_EQ(ended.exit_code, 128 + SIGKILL) << ended.output;
    const int64_t step = VerifiedStep(run.path());
    const size_t line = ended.output.rfind("committed ");
    ASSERT_NE(line, std::string::npos);
    EXPECT_GE(step, std::stoll(ended.output.substr(line + 10))) << "what was said to be committed is there";
    last = step;
  }
  WriteSample(run.path(), last + 1);
  EXPECT_EQ(VerifiedStep(run.path()), last + 1);
  EXPECT_THAT(Leftovers(run.path()), testing::IsEmpty());
}

struct Injection {
  const char* name;
  const char* call;  // system call
  const char* what;  // strace's words
  int most;          // n-th call of a thread: 1..most; more than a checkpoint of the sample makes
};

void PrintTo(const Injection& injection, std::ostream* stream) {
  *stream << injection.call << " " << injection.what;
}

class InjectedFault : public testing::TestWithParam<Injection> {};

TEST_P(InjectedFault, NewestCommittedCheckpointLoads) {
  const std::string strace = "/usr/bin/strace";
  if (!fs::exists(strace))
    GTEST_SKIP() << strace << " is not installed: no faults were injected into " << GetParam().call;
  const Injection& injection = GetParam();
  const bool kills = std::string(injection.what).starts_with("signal");
  const test::TemporaryFolder start;
  for (const int64_t step : {1, 2}) WriteSample(start.path(), step);
  int hits = 0;
  for (int n = 1; n <= injection.most; ++n) {
    const test::TemporaryFolder run;
    fs::copy(start.path(), run.path(), fs::copy_options::recursive);
    std::vector<std::string> command{
        strace,
        "-f",
        "--seccomp-bpf",
        "-qqq",
        "-o",
        "/dev/null",
        "-e",
        std::string("trace=") + injection.call,
        "-e",
        std::string("inject=") + injection.call + ":" + injection.what + ":when=" + std::to_string(n)};
    for (const std::string& part : Writer(run.path(), 3, 3)) command.push_back(part);
    const Ended ended = RunCommand(command);
    const std::string where =
        std::string(injection.call) + " number " + std::to_string(n) + ": " + ended.output;
    const int64_t step = VerifiedStep(run.path());
    if (ended.exit_code == 0) {
      EXPECT_EQ(step, 3) << where;
    } else {
      ++hits;
      EXPECT_EQ(ended.exit_code, kills ? 128 + SIGKILL : kStorageExit) << where;
      EXPECT_TRUE(step == 2 || step == 3) << where;
      // strace counts by thread: the first write of the main thread is the message itself.
      const bool message_lost = n == 1 && std::string(injection.call) == "write";
      if (!kills && !message_lost) {
        EXPECT_THAT(ended.output, testing::AllOf(HasSubstr("rank "), HasSubstr(run.path())));
      }
    }
    WriteSample(run.path(), 4);
    EXPECT_EQ(VerifiedStep(run.path()), 4) << where;
    EXPECT_THAT(Leftovers(run.path()), testing::IsEmpty()) << where;
  }
  EXPECT_GT(hits, 0) << "no injected fault was felt";
}

INSTANTIATE_TEST_SUITE_P(Calls, InjectedFault,
                         testing::Values(Injection{"KillAtWrite", "write", "signal=KILL", 11},
                                         Injection{"KillAtSync", "fsync", "signal=KILL", 10},
                                         Injection{"KillAtRename", "rename", "signal=KILL", 4},
                                         Injection{"KillAtUnlink", "unlinkat", "signal=KILL", 4},
                                         Injection{"KillAtMkdir", "mkdir", "signal=KILL", 1},
                                         Injection{"NoSpaceAtWrite", "write", "error=ENOSPC", 11},
                                         Injection{"NoSpaceAtReserve", "fallocate", "error=ENOSPC", 2},
                                         Injection{"NoSpaceAtMkdir", "mkdir", "error=ENOSPC", 1},
                                         Injection{"ErrorAtWrite", "write", "error=EIO", 11},
                                         Injection{"ErrorAtSync", "fsync", "error=EIO", 10},
                                         Injection{"ErrorAtRename", "rename", "error=EIO", 4}),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(FullDisk, FileSizeLimitIsNamedAndTheOldCheckpointStands) {
  const test::TemporaryFolder run;
  WriteSample(run.path(), 1);
  for (const rlim_t limit_bytes : {10, 1000, 3000, 50'000}) {
    const Ended ended = RunCommand(Writer(run.path(), 2, 2), [limit_bytes] {
      const rlimit limit{limit_bytes, limit_bytes};
      ::setrlimit(RLIMIT_FSIZE, &limit);
    });
    EXPECT_EQ(ended.exit_code, kStorageExit) << limit_bytes << ": " << ended.output;
    EXPECT_THAT(ended.output,
                testing::AllOf(HasSubstr("rank "), HasSubstr(run.path()), HasSubstr("file size limit")));
    EXPECT_EQ(VerifiedStep(run.path()), 1);
  }
  WriteSample(run.path(), 2);
  EXPECT_EQ(VerifiedStep(run.path()), 2);
}

TEST(FullDisk, NoSpaceIsFoundBeforeTheFirstByte) {
  const test::TemporaryFolder disk;
  if (::mount("tmpfs", disk.path().c_str(), "tmpfs", 0, "size=512k") != 0) {
    GTEST_SKIP() << "mounting a small tmpfs needs more rights: the full disk was not tried";
  }
  WriteSample(disk.path(), 1);
  test::WriteBytes(disk / "filler", std::string(size_t{400} << 10, 'x'));
  std::string message;
  try {
    WriteSample(disk.path(), 2);
  } catch (const StorageError& error) {
    message = error.what();
  }
  EXPECT_THAT(message,
              testing::AllOf(HasSubstr("no space for a checkpoint"), HasSubstr("bytes free, found")));
  EXPECT_EQ(VerifiedStep(disk.path()), 1);
  fs::remove(disk / "filler");
  WriteSample(disk.path(), 2);
  EXPECT_EQ(VerifiedStep(disk.path()), 2);
  EXPECT_EQ(::umount(disk.path().c_str()), 0);
}

}  // namespace
}  // namespace ppr::train
