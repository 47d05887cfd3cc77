// The bytes of a checkpoint file: put together in memory, written and read back by plain system calls, so
// that each failure has an errno. StorageError with the path. Local functions.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ppr::checkpoint {

// `size_bytes` of memory that belong at `offset_bytes` of a file.
struct FileRegion {
  int64_t offset_bytes;
  const char* bytes;
  int64_t size_bytes;
  // Where `bytes` is null: makes bytes first .. first + count - 1 of the region, the same ones each time.
  // They are made piece by piece, so that what is written need not be held.
  std::function<void(int64_t first, int64_t count, char* to)> make = {};
};

// Every byte of a file, as regions that ascend without gaps: tensors where they lie, and `structure` between
// them.
struct FileImage {
  std::vector<char> structure;
  std::vector<FileRegion> regions;
};

// StorageError when this process may not write a file of that size (ulimit -f): the write itself would be a
// signal.
void CheckFileSizeLimit(const std::string& path, int64_t size_bytes);

// Creates `path`, reserves its blocks, writes the image and syncs it.
void WriteImage(const std::string& path, const FileImage& image);

struct FileDigest {
  int64_t size_bytes = 0;
  std::string digest;
};

// Digest of the file as the device gives it back; StorageError when it does not hold the image.
FileDigest DigestAndCompare(const std::string& path, const FileImage& image);

}  // namespace ppr::checkpoint
