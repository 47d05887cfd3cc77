#include "cli/failure.h"

#include <c10/util/Exception.h>
#include <unistd.h>

#include <exception>
#include <new>

namespace ppr::cli {

Failure DescribeCurrentException() {
  try {
    throw;
  } catch (const Error& error) {
    return {error.code(), error.what()};
  } catch (const std::bad_alloc&) {
    return {ExitCode::kInternal,
            "out of memory; use more ranks, a smaller batch_size or a machine with more memory"};
  } catch (const c10::Error& error) {
    return {ExitCode::kInternal, std::string("internal error: libtorch: ") + error.what_without_backtrace()};
  } catch (const std::exception& error) {
    return {ExitCode::kInternal, std::string("internal error: ") + error.what()};
  } catch (...) {
    return {ExitCode::kInternal, "internal error: an exception of unknown type"};
  }
}

std::string FailureLine(const std::string& command, int rank, int world_size, const std::string& phase,
                        const Failure& failure) {
  std::string line = "ppr " + command + ": ";
  // Collectives and agreed errors name the rank that matters, which may be another; a stop has no culprit.
  const bool names_rank = failure.message.starts_with("rank ") || failure.code == ExitCode::kStoppedOnRequest;
  if (!names_rank) {
    if (world_size > 1) line += "rank " + std::to_string(rank) + (phase == "start" ? ": " : ", ");
    if (phase != "start") line += phase + ": ";
  }
  return line + failure.message + "\n";
}

std::string RefusalText(const std::string& command, const std::vector<std::string>& problems) {
  std::string text = "ppr " + command + ": " + std::to_string(problems.size()) +
                     (problems.size() == 1 ? " problem" : " problems") + ", nothing was started:\n";
  for (const std::string& problem : problems) text += "  " + problem + "\n";
  return text;
}

void PrintToStderr(const std::string& text) {
  size_t written_bytes = 0;
  while (written_bytes < text.size()) {
    const ssize_t wrote = ::write(STDERR_FILENO, text.data() + written_bytes, text.size() - written_bytes);
    if (wrote <= 0) return;  // nowhere left to say so
    written_bytes += static_cast<size_t>(wrote);
  }
}

}  // namespace ppr::cli
