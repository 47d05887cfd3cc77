#include "train/checkpoint_file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/digest.h"
#include "base/durable_file.h"
#include "base/errors.h"
#include "base/text_format.h"

namespace ppr::train {

namespace {

constexpr int64_t kLargestWriteBytes = int64_t{1} << 28;  // a write moves at most 2 GiB; stay well below
constexpr int64_t kReadBytes = int64_t{1} << 20;

int64_t SizeOf(int descriptor, const std::string& path) {
  struct stat info;
  if (::fstat(descriptor, &info) != 0) throw StorageErrorFromErrno("cannot examine", path);
  return info.st_size;
}

// Asks for all blocks now: a full disk shows before the first byte is written. File systems that cannot
// reserve show it at the write.
void ReserveSpace(int descriptor, int64_t size_bytes, const std::string& path) {
  if (size_bytes == 0 || ::fallocate(descriptor, 0, 0, size_bytes) == 0) return;
  if (errno == EOPNOTSUPP || errno == ENOSYS) return;
  throw StorageErrorFromErrno(Format("cannot reserve %lld bytes for", static_cast<long long>(size_bytes)),
                              path);
}

void WriteRegion(int descriptor, const FileRegion& region, const std::string& path) {
  for (int64_t done_bytes = 0; done_bytes < region.size_bytes;) {
    const int64_t wanted = std::min(region.size_bytes - done_bytes, kLargestWriteBytes);
    const ssize_t wrote = ::pwrite(descriptor, region.bytes + done_bytes, static_cast<size_t>(wanted),
                                   region.offset_bytes + done_bytes);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) throw StorageErrorFromErrno("cannot write", path);
    if (wrote == 0) throw StorageError("cannot write " + path + ": the system took none of the bytes");
    done_bytes += wrote;
  }
}

// Compares what was read, `size_bytes` at `offset_bytes` of the file, with the parts of the regions that lie
// there.
void CompareRegions(const char* read, int64_t offset_bytes, int64_t size_bytes,
                    const std::vector<FileRegion>& regions, const std::string& path) {
  for (const FileRegion& region : regions) {
    const int64_t begin = std::max(offset_bytes, region.offset_bytes);
    const int64_t end = std::min(offset_bytes + size_bytes, region.offset_bytes + region.size_bytes);
    if (begin >= end) continue;
    if (std::memcmp(read + (begin - offset_bytes), region.bytes + (begin - region.offset_bytes),
                    static_cast<size_t>(end - begin)) != 0) {
      throw StorageError(
          Format("%s reads back other bytes than were written, between %lld and %lld: the device or its file "
                 "system is at fault",
                 path.c_str(), static_cast<long long>(begin), static_cast<long long>(end)));
    }
  }
}

}  // namespace

void WriteRegions(const std::string& path, const std::vector<FileRegion>& regions) {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.valid()) throw StorageErrorFromErrno("cannot open for writing", path);
  ReserveSpace(file.get(), SizeOf(file.get(), path), path);
  for (const FileRegion& region : regions) WriteRegion(file.get(), region, path);
  if (::fsync(file.get()) != 0) throw StorageErrorFromErrno("cannot sync", path);
  // A failed close can be the only sign of a failed write (NFS, quotas).
  if (::close(file.Release()) != 0) throw StorageErrorFromErrno("cannot close", path);
}

FileDigest DigestAndCompare(const std::string& path, const std::vector<FileRegion>& regions) {
  const FileDescriptor file = OpenForReading(path);
  // Drops the synced pages from memory, so that the device is read; where that fails, memory is compared,
  // which is no harm.
  (void)::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
  std::vector<char> buffer(static_cast<size_t>(kReadBytes));
  Digester digester;
  int64_t total_bytes = 0;
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw StorageErrorFromErrno("cannot read back", path);
    if (got == 0) break;
    digester.Update(buffer.data(), static_cast<size_t>(got));
    CompareRegions(buffer.data(), total_bytes, got, regions, path);
    total_bytes += got;
  }
  for (const FileRegion& region : regions) {
    if (region.offset_bytes + region.size_bytes > total_bytes) {
      throw StorageError(Format(
          "%s reads back only %lld bytes, fewer than were written: the device or its file system is at fault",
          path.c_str(), static_cast<long long>(total_bytes)));
    }
  }
  return {total_bytes, digester.Hex()};
}

}  // namespace ppr::train
