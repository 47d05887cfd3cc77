#include "experiment/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "base/durable_file.h"
#include "base/errors.h"
#include "base/stop_request.h"

namespace ppr::experiment {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::minutes kTimeToStop{10};
// The exit code of a child that could not become the program.
constexpr int kNotStarted = 127;

std::string FindProgram(const std::string& word) {
  if (word.find('/') != std::string::npos) {
    if (::access(word.c_str(), X_OK) == 0) return word;
  } else {
    const char* const path = std::getenv("PATH");
    std::istringstream folders(path == nullptr ? "" : path);
    for (std::string folder; std::getline(folders, folder, ':');) {
      const std::string program = (folder.empty() ? "." : folder) + "/" + word;
      if (::access(program.c_str(), X_OK) == 0) return program;
    }
  }
  throw ConfigError("expected a program that can be run, found none at " + word +
                    "; correct --program or --launcher");
}

// Only async-signal-safe calls between fork and exec.
[[noreturn]] void BecomeProgram(const char* program, char* const* words, int log, pid_t parent) {
  const int no_input = ::open("/dev/null", O_RDONLY);
  const bool ready = ::setpgid(0, 0) == 0 && ::prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && no_input >= 0 &&
                     ::dup2(no_input, STDIN_FILENO) >= 0 && ::dup2(log, STDOUT_FILENO) >= 0 &&
                     ::dup2(log, STDERR_FILENO) >= 0;
  // The parent may have died before the request to be told.
  if (ready && ::getppid() == parent) ::execv(program, words);
  ::_exit(kNotStarted);
}

pid_t Start(const std::vector<std::string>& words, const std::string& log_path) {
  const std::string program = FindProgram(words.front());
  const FileDescriptor log(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log.valid()) throw StorageErrorFromErrno("cannot open", log_path);
  std::vector<std::string> copies = words;
  std::vector<char*> pointers;
  for (std::string& word : copies) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw StorageErrorFromErrno("cannot start", program);
  if (child == 0) BecomeProgram(program.c_str(), pointers.data(), log.get(), parent);
  // Both sides set the group, so that it exists whoever comes first; this side may be too late.
  ::setpgid(child, child);
  return child;
}

}  // namespace

ChildResult RunChild(const std::vector<std::string>& words, const std::string& log_path) {
  PPR_BUG_IF_NOT(!words.empty(), "a child process without a program");
  const pid_t child = Start(words, log_path);
  ChildResult result;
  Clock::time_point told;
  const Clock::time_point start = Clock::now();
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended < 0) throw StorageErrorFromErrno("cannot wait for", words.front());
    if (ended == child) {
      result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      return result;
    }
    if (StopRequested() != 0 && !result.was_told) {
      ::kill(-child, SIGUSR1);
      result.was_told = true;
      told = Clock::now();
    }
    if (result.was_told && Clock::now() - told > kTimeToStop) ::kill(-child, SIGKILL);
    // Nothing to wait on tells of both the child's end and a signal on every kernel. An eighth of the time
    // that went by is little beside it.
    const Clock::duration pause = (Clock::now() - start) / 8;
    std::this_thread::sleep_for(
        std::clamp<Clock::duration>(pause, std::chrono::milliseconds{1}, std::chrono::milliseconds{200}));
  }
}

}  // namespace ppr::experiment
