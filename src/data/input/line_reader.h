// Lines of a text file, plain or compressed, some at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ppr::data {

struct LineBlock {
  int64_t first_number = 0;             // of the first line; lines count from 1
  std::vector<std::string_view> lines;  // without their ends; valid until the next Next()
};

class LineReader {
 public:
  // StorageError when the file cannot be opened, DataError when it is empty.
  explicit LineReader(const std::string& path);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // False at the end of the file. DataError when compressed bytes are damaged.
  bool Next(LineBlock* block);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ppr::data
