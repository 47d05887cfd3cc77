// The bytes of tensors in a file under construction: reserved, written and compared by plain system calls, so
// that each failure has an errno. StorageError with the path. Local functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ppr::train {

// `size_bytes` of memory that belong at `offset_bytes` of a file.
struct FileRegion {
  int64_t offset_bytes;
  const char* bytes;
  int64_t size_bytes;
};

// Writes `regions` into the existing file `path`, all of whose blocks are reserved first, and syncs it.
void WriteRegions(const std::string& path, const std::vector<FileRegion>& regions);

struct FileDigest {
  int64_t size_bytes = 0;
  std::string digest;
};

// Digest of the file as the device gives it back; StorageError when a region does not hold its bytes.
// `regions` ascend.
FileDigest DigestAndCompare(const std::string& path, const std::vector<FileRegion>& regions);

}  // namespace ppr::train
