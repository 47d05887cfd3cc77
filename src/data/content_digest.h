// One digest over all that a dataset file says: every array and attribute by name, in any order of adding.
// HDF5 itself guards only its metadata: a flipped bit in an array reads back without an error.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/digest.h"

namespace ppr::data {

class ContentDigest {
 public:
  void AddArray(const std::string& name, const std::vector<int64_t>& shape,
                const std::string& digest_of_bytes) {
    std::string& line = lines_[name];
    for (const int64_t extent : shape) line += std::to_string(extent) + " ";
    line += digest_of_bytes;
  }
  void AddAttribute(const std::string& object, const std::string& name, const std::string& value) {
    lines_[object + "@" + name] = DigestOfBytes(value.data(), value.size());
  }
  // 32 hex digits.
  std::string Hex() const {
    Digester digester;
    for (const auto& [name, line] : lines_) {
      const std::string text = name + " " + line + "\n";
      digester.Update(text.data(), text.size());
    }
    return digester.Hex();
  }

 private:
  std::map<std::string, std::string> lines_;
};

}  // namespace ppr::data
