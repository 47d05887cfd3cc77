#include "checkpoint/file_bytes.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/digest.h"
#include "base/durable_file.h"
#include "base/errors.h"
#include "base/text_format.h"

namespace ppr::checkpoint {

namespace {

constexpr int64_t kLargestWriteBytes = int64_t{1} << 28;  // a write moves at most 2 GiB; stay well below
constexpr int64_t kPieceBytes = int64_t{1} << 20;

// Asks for all blocks now: a full disk shows before the first byte is written. File systems that cannot
// reserve show it at the write.
void ReserveSpace(int descriptor, int64_t size_bytes, const std::string& path) {
  if (::fallocate(descriptor, 0, 0, size_bytes) == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return;
  throw StorageErrorFromErrno(Format("cannot reserve %lld bytes for", static_cast<long long>(size_bytes)),
                              path);
}

void WriteAll(int descriptor, const char* bytes, int64_t size_bytes, const std::string& path) {
  for (int64_t done_bytes = 0; done_bytes < size_bytes;) {
    const int64_t wanted = std::min(size_bytes - done_bytes, kLargestWriteBytes);
    const ssize_t wrote = ::write(descriptor, bytes + done_bytes, static_cast<size_t>(wanted));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) throw StorageErrorFromErrno("cannot write", path);
    if (wrote == 0) throw StorageError("cannot write " + path + ": the system took none of the bytes");
    done_bytes += wrote;
  }
}

void WriteRegion(int descriptor, const FileRegion& region, const std::string& path) {
  if (region.bytes != nullptr) return WriteAll(descriptor, region.bytes, region.size_bytes, path);
  std::vector<char> piece(static_cast<size_t>(std::min(region.size_bytes, kPieceBytes)));
  for (int64_t done_bytes = 0; done_bytes < region.size_bytes; done_bytes += kPieceBytes) {
    const int64_t count = std::min(region.size_bytes - done_bytes, kPieceBytes);
    region.make(done_bytes, count, piece.data());
    WriteAll(descriptor, piece.data(), count, path);
  }
}

[[noreturn]] void RefuseReadBack(const std::string& path, int64_t offset_bytes) {
  throw StorageError(Format(
      "%s does not read back as it was written, from byte %lld on: the device or its file system is at fault",
      path.c_str(), static_cast<long long>(offset_bytes)));
}

// Compares what was read at `offset_bytes` with the image.
void CompareWithImage(const char* read, int64_t offset_bytes, int64_t size_bytes, const FileImage& image,
                      const std::string& path) {
  for (const FileRegion& region : image.regions) {
    const int64_t begin = std::max(offset_bytes, region.offset_bytes);
    const int64_t end = std::min(offset_bytes + size_bytes, region.offset_bytes + region.size_bytes);
    if (begin >= end) continue;
    std::vector<char> made;
    if (region.bytes == nullptr) {
      made.resize(static_cast<size_t>(end - begin));
      region.make(begin - region.offset_bytes, end - begin, made.data());
    }
    const char* expected =
        region.bytes == nullptr ? made.data() : region.bytes + (begin - region.offset_bytes);
    if (std::memcmp(read + (begin - offset_bytes), expected, static_cast<size_t>(end - begin)) != 0)
      RefuseReadBack(path, begin);
  }
}

int64_t SizeOf(const FileImage& image) {
  return image.regions.empty() ? 0 : image.regions.back().offset_bytes + image.regions.back().size_bytes;
}

}  // namespace

void CheckFileSizeLimit(const std::string& path, int64_t size_bytes) {
  struct rlimit limit;
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0)
    throw StorageErrorFromErrno("cannot ask for the file size limit for", path);
  if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= static_cast<rlim_t>(size_bytes)) return;
  throw StorageError(
      Format("cannot write %s: it needs up to %lld bytes, found a file size limit of %lld (ulimit -f); raise "
             "the limit",
             path.c_str(), static_cast<long long>(size_bytes), static_cast<long long>(limit.rlim_cur)));
}

void WriteImage(const std::string& path, const FileImage& image) {
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.valid()) throw StorageErrorFromErrno("cannot create", path);
  ReserveSpace(file.get(), SizeOf(image), path);
  for (const FileRegion& region : image.regions) WriteRegion(file.get(), region, path);
  if (::fsync(file.get()) != 0) throw StorageErrorFromErrno("cannot sync", path);
  // A failed close can be the only sign of a failed write (NFS, quotas).
  if (::close(file.Release()) != 0) throw StorageErrorFromErrno("cannot close", path);
}

FileDigest DigestAndCompare(const std::string& path, const FileImage& image) {
  const FileDescriptor file = OpenForReading(path);
  // Drops the synced pages from memory, so that the device is read; where that fails, memory is compared,
  // which is no harm.
  (void)::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
  std::vector<char> buffer(static_cast<size_t>(kPieceBytes));
  Digester digester;
  int64_t total_bytes = 0;
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw StorageErrorFromErrno("cannot read back", path);
    if (got == 0) break;
    digester.Update(buffer.data(), static_cast<size_t>(got));
    CompareWithImage(buffer.data(), total_bytes, got, image, path);
    total_bytes += got;
  }
  if (total_bytes != SizeOf(image)) RefuseReadBack(path, std::min(total_bytes, SizeOf(image)));
  return {total_bytes, digester.Hex()};
}

}  // namespace ppr::checkpoint
