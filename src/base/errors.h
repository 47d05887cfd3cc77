// The errors of PPR and the exit codes they end a process with.
//
// Every message says what went wrong, where (file, line or row, rank, step), what was expected, what was
// found and what to do. Exceptions cross rooms; only src/cli turns them into an exit code. Thread-safe: plain
// values.
#pragma once

#include <stdexcept>
#include <string>

namespace ppr {

// The process exit codes. A batch script may rely on them; see docs/launching.md.
enum class ExitCode : int {
  kDone = 0,
  kUsage = 64,             // flags or their combination cannot work
  kBadData = 65,           // a data file or checkpoint is not what it should be
  kInternal = 70,          // our bug, or a peer rank that failed or went silent
  kStorage = 74,           // the file system refused a read, write, sync or rename
  kStoppedOnRequest = 85,  // asked to stop; a good checkpoint is committed; start the job again
  kDoNotRestart = 93,      // starting again would fail in the same way
};

// Base of all errors thrown by PPR; carries the exit code that it ends the process with.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

// Flags, or values that come from flags, that cannot work.
class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& message) : Error(ExitCode::kUsage, message) {}
};

// A data file or checkpoint that is malformed, altered, partial or of the wrong shape.
class DataError : public Error {
 public:
  explicit DataError(const std::string& message) : Error(ExitCode::kBadData, message) {}
};

// A system call on a file failed; made by StorageErrorFromErrno where errno is at hand.
class StorageError : public Error {
 public:
  explicit StorageError(const std::string& message) : Error(ExitCode::kStorage, message) {}
};

// A broken invariant of ours: never the user's fault.
class BugError : public Error {
 public:
  explicit BugError(const std::string& message) : Error(ExitCode::kInternal, message) {}
};

// A collective failed: a peer died, went silent past the deadline, or called something else. Where a peer
// said why it failed, `code` is that peer's, so that the job ends with it whichever rank comes first.
class CommunicationError : public Error {
 public:
  explicit CommunicationError(const std::string& message, ExitCode code = ExitCode::kInternal)
      : Error(code, message) {}
};

// A stop was asked for and the newest checkpoint is committed.
class StoppedOnRequest : public Error {
 public:
  explicit StoppedOnRequest(const std::string& message) : Error(ExitCode::kStoppedOnRequest, message) {}
};

// The run cannot go on and starting it again would end the same way (for example: the loss is not finite).
class DoNotRestartError : public Error {
 public:
  explicit DoNotRestartError(const std::string& message) : Error(ExitCode::kDoNotRestart, message) {}
};

// "<action> <path>: <strerror(errno)>", read from errno at the call.
StorageError StorageErrorFromErrno(const std::string& action, const std::string& path);

// The text of PPR_BUG_IF_NOT's error; not for direct use.
[[noreturn]] void ThrowBug(const char* expression, const char* file, int line, const std::string& detail);

}  // namespace ppr

// Throws BugError when an invariant of ours does not hold. `detail` is only evaluated then.
#define PPR_BUG_IF_NOT(condition, detail)                        \
  do {                                                           \
    if (!(condition)) [[unlikely]] {                             \
      ::ppr::ThrowBug(#condition, __FILE__, __LINE__, (detail)); \
    }                                                            \
  } while (false)
