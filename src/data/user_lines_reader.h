// Reads the text of SASRec and S3-Rec: one user a line, "user item item ..." in time order, separated by
// blanks or tabs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ppr::data {

class UserLinesReader {
 public:
  // StorageError when the file cannot be opened.
  explicit UserLinesReader(const std::string& path);
  ~UserLinesReader();
  UserLinesReader(const UserLinesReader&) = delete;
  UserLinesReader& operator=(const UserLinesReader&) = delete;

  // The next lines' clicks: users[i] clicked items[i]. Views are valid until the next call. False at the end.
  // DataError names the line of a user without items.
  bool Next(std::vector<std::string_view>* users, std::vector<std::string_view>* items);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ppr::data
