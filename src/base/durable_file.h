// Files that survive a crash: write beside, sync, rename, sync the folder. Every system call is checked;
// errors are StorageError with the path and the system's reason. Not for concurrent writers of one path.
#pragma once

#include <string>
#include <string_view>

#include "base/unique_handle.h"

namespace ppr {

struct FileDescriptorTraits {
  using Type = int;
  static Type Invalid() noexcept { return -1; }
  static void Close(Type descriptor) noexcept;
};
using FileDescriptor = UniqueHandle<FileDescriptorTraits>;

FileDescriptor OpenForReading(const std::string& path);
// Whole file as bytes.
std::string ReadWholeFile(const std::string& path);
// False only when nothing is there; StorageError when that cannot be told (no permission, a stale handle).
bool FileExists(const std::string& path);
// Creates the folder and its parents; fine when it is there already.
void CreateFolder(const std::string& path);

// Replaces `path` as a whole: writes `path`.tmp, syncs it, renames it, syncs the folder. After a crash the
// old or the new contents are there, never a mix.
void WriteFileDurably(const std::string& path, std::string_view contents);
// Flushes a file's (or folder's) data to the device.
void SyncFile(const std::string& path);
void SyncFolder(const std::string& path);
// rename(2), then syncs the parent of `to`.
void RenameDurably(const std::string& from, const std::string& to);

}  // namespace ppr
