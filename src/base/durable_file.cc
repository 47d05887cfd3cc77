#include "base/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/errors.h"
#include "base/logging.h"

namespace ppr {

void FileDescriptorTraits::Close(Type descriptor) noexcept {
  if (::close(descriptor) != 0) PLOG(ERROR) << "close of file descriptor " << descriptor << " failed";
}

namespace {

// Closes and reports: a failed close can be the only sign of a failed write (NFS, quotas).
void CloseChecked(FileDescriptor file, const std::string& path) {
  if (::close(file.Release()) != 0) throw StorageErrorFromErrno("cannot close", path);
}

void SyncPath(const std::string& path, int open_flags) {
  FileDescriptor file(::open(path.c_str(), open_flags | O_CLOEXEC));
  if (!file.valid()) throw StorageErrorFromErrno("cannot open for syncing", path);
  if (::fsync(file.get()) != 0) throw StorageErrorFromErrno("cannot sync", path);
  CloseChecked(std::move(file), path);
}

std::string ParentFolder(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

FileDescriptor OpenForReading(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) throw StorageErrorFromErrno("cannot open", path);
  return file;
}

std::string ReadWholeFile(const std::string& path) {
  FileDescriptor file = OpenForReading(path);
  std::string contents;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer, sizeof(buffer));
    if (got < 0) throw StorageErrorFromErrno("cannot read", path);
    if (got == 0) return contents;
    contents.append(buffer, static_cast<size_t>(got));
  }
}

bool FileExists(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return false;
  throw StorageErrorFromErrno("cannot look at", path);
}

void CreateFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw StorageError("cannot create folder " + path + ": " + error.message());
}

void WriteFileDurably(const std::string& path, std::string_view contents) {
  const std::string beside = path + ".tmp";
  FileDescriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.valid()) throw StorageErrorFromErrno("cannot create", beside);
  size_t written_bytes = 0;
  while (written_bytes < contents.size()) {
    const ssize_t wrote =
        ::write(file.get(), contents.data() + written_bytes, contents.size() - written_bytes);
    if (wrote < 0) throw StorageErrorFromErrno("cannot write", beside);
    written_bytes += static_cast<size_t>(wrote);
  }
  if (::fsync(file.get()) != 0) throw StorageErrorFromErrno("cannot sync", beside);
  CloseChecked(std::move(file), beside);
  RenameDurably(beside, path);
}

void SyncFile(const std::string& path) { SyncPath(path, O_RDONLY); }
void SyncFolder(const std::string& path) { SyncPath(path, O_RDONLY | O_DIRECTORY); }

void RenameDurably(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    throw StorageErrorFromErrno("cannot rename " + from + " to", to);
  SyncFolder(ParentFolder(to));
}

}  // namespace ppr
