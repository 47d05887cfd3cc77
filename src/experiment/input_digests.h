// Digests of large input files, remembered between runs: a file of the same size and time of change is not
// read again.
#pragma once

#include <map>
#include <string>

namespace ppr::experiment {

class InputDigests {
 public:
  // `path` is where they are kept; "" keeps them nowhere.
  explicit InputDigests(std::string path);

  // StorageError when the file cannot be read.
  std::string Of(const std::string& file);

 private:
  void Keep() const;

  std::string path_;
  std::map<std::string, std::string> digests_;  // "size time file" -> digest
};

}  // namespace ppr::experiment
