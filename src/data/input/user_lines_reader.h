// Reads the text of SASRec and S3-Rec: one user a line, "user item item ..." in time order, separated by
// blanks or tabs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/input/line_reader.h"

namespace ppr::data {

class UserLinesReader {
 public:
  // StorageError when the file cannot be opened.
  explicit UserLinesReader(const std::string& path) : path_(path), reader_(path) {}

  // The next lines' clicks: users[i] clicked items[i]. Views are valid until the next call. False at the end.
  // DataError names the line of a user without items.
  bool Next(std::vector<std::string_view>* users, std::vector<std::string_view>* items);

 private:
  void ParseLine(std::string_view rest, int64_t number, std::vector<std::string_view>* users,
                 std::vector<std::string_view>* items) const;

  std::string path_;
  LineReader reader_;
  LineBlock block_;  // what the views of the last Next() point into
};

}  // namespace ppr::data
