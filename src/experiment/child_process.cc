#include "experiment/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <sstream>

#include "base/durable_file.h"
#include "base/errors.h"

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

// No signal reaches this thread while it lives.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  const sigset_t& before() const { return before_; }

 private:
  sigset_t before_;
};

// Only async-signal-safe calls between fork and exec. Until exec the child has the parent's handlers, which
// would swallow a request to stop: it takes none before it can be ended by one.
[[noreturn]] void BecomeProgram(const char* program, char* const* words, int log, pid_t parent,
                                const sigset_t& signals) {
  for (const int signal : {SIGTERM, SIGUSR1, SIGUSR2}) ::signal(signal, SIG_DFL);
  const int no_input = ::open("/dev/null", O_RDONLY);
  const bool ready = ::setpgid(0, 0) == 0 && ::prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && no_input >= 0 &&
                     ::dup2(no_input, STDIN_FILENO) >= 0 && ::dup2(log, STDOUT_FILENO) >= 0 &&
                     ::dup2(log, STDERR_FILENO) >= 0 &&
                     ::pthread_sigmask(SIG_SETMASK, &signals, nullptr) == 0;
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
  const SignalsBlocked signals;
  const pid_t child = ::fork();
  if (child < 0) throw StorageErrorFromErrno("cannot start", program);
  if (child == 0) BecomeProgram(program.c_str(), pointers.data(), log.get(), parent, signals.before());
  // Both sides set the group, so that it exists whoever comes first; this side may be too late.
  ::setpgid(child, child);
  return child;
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& words, const std::string& log_path) {
  PPR_BUG_IF_NOT(!words.empty(), "a child process without a program");
  start_ = Clock::now();
  child_ = Start(words, log_path);
}

ChildProcess::~ChildProcess() {
  if (child_ < 0) return;
  ::kill(-child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

std::optional<ChildResult> ChildProcess::Poll() {
  int status = 0;
  const pid_t ended = ::waitpid(child_, &status, WNOHANG);
  if (ended < 0) throw StorageErrorFromErrno("cannot wait for process", std::to_string(child_));
  if (ended == 0) {
    if (told_ && Clock::now() - *told_ > kTimeToStop) ::kill(-child_, SIGKILL);
    return std::nullopt;
  }
  child_ = -1;
  return ChildResult{.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                     .was_told = told_.has_value(),
                     .seconds = std::chrono::duration<double>(Age()).count()};
}

void ChildProcess::AskToStop() {
  if (told_) return;
  ::kill(-child_, SIGUSR1);
  told_ = Clock::now();
}

}  // namespace ppr::experiment
