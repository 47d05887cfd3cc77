// A temporary file of clicks without a name: it is unlinked as soon as it is open, so nothing stays behind,
// whatever ends the process. Errors are StorageError with the folder and the system's reason.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/durable_file.h"
#include "data/prepare/click_sorter.h"

namespace ppr::data {

class SpillFile {
 public:
  explicit SpillFile(const std::string& folder);

  void Append(std::span<const Click> clicks);
  void Read(int64_t first, std::span<Click> clicks) const;
  int64_t size() const { return size_; }  // clicks

 private:
  std::string folder_;
  FileDescriptor file_;
  int64_t size_ = 0;
};

}  // namespace ppr::data
