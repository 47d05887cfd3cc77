#include "data/prepare/spill_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/errors.h"

namespace ppr::data {

SpillFile::SpillFile(const std::string& folder) : folder_(folder.empty() ? "." : folder) {
  std::string name = folder_ + "/ppr-prepare-XXXXXX";
  file_ = FileDescriptor(::mkostemp(name.data(), O_CLOEXEC));
  if (!file_.valid()) throw StorageErrorFromErrno("cannot create a temporary file in", folder_);
  if (::unlink(name.c_str()) != 0) throw StorageErrorFromErrno("cannot unlink the temporary file", name);
}

void SpillFile::Append(std::span<const Click> clicks) {
  const char* bytes = reinterpret_cast<const char*>(clicks.data());
  size_t left = clicks.size_bytes();
  auto at = static_cast<off_t>(size_ * static_cast<int64_t>(sizeof(Click)));
  while (left > 0) {
    const ssize_t wrote = ::pwrite(file_.get(), bytes, left, at);
    if (wrote < 0)
      throw StorageErrorFromErrno(
          "cannot write a temporary file (set --temporary_folder to a larger disk) in", folder_);
    bytes += wrote;
    at += wrote;
    left -= static_cast<size_t>(wrote);
  }
  size_ += static_cast<int64_t>(clicks.size());
}

void SpillFile::Read(int64_t first, std::span<Click> clicks) const {
  char* bytes = reinterpret_cast<char*>(clicks.data());
  size_t left = clicks.size_bytes();
  auto at = static_cast<off_t>(first * static_cast<int64_t>(sizeof(Click)));
  while (left > 0) {
    const ssize_t got = ::pread(file_.get(), bytes, left, at);
    if (got < 0) throw StorageErrorFromErrno("cannot read a temporary file in", folder_);
    if (got == 0) throw StorageError("a temporary file in " + folder_ + " ended early");
    bytes += got;
    at += got;
    left -= static_cast<size_t>(got);
  }
}

}  // namespace ppr::data
