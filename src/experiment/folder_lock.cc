#include "experiment/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "base/errors.h"

namespace ppr::experiment {
namespace {

bool TryLock(int file, const std::string& path) {
  if (::flock(file, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK || errno == EINTR) return false;
  throw StorageErrorFromErrno("cannot lock", path);
}

}  // namespace

FolderLock::FolderLock(const std::string& path, std::chrono::milliseconds patience)
    : file_(::open(path.c_str(), O_RDWR | O_CREAT, 0644)) {  // kept over exec, see above
  if (!file_.valid()) throw StorageErrorFromErrno("cannot open", path);
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (!TryLock(file_.get(), path)) {
    if (std::chrono::steady_clock::now() >= give_up) {
      throw ConfigError(path +
                        ": another ppr experiment works in this folder, or a stage of it has not ended " +
                        "yet (process " + ReadWholeFile(path) + "); wait for it, or name another --output");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const std::string process = std::to_string(::getpid());
  if (::ftruncate(file_.get(), 0) != 0 ||
      ::pwrite(file_.get(), process.data(), process.size(), 0) != static_cast<ssize_t>(process.size())) {
    throw StorageErrorFromErrno("cannot write", path);
  }
}

}  // namespace ppr::experiment
