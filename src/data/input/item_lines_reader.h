// Reads the lines of the ColdRec files (QQBrowser): one user a line, no user id and no header, items
// separated by commas in time order, perhaps followed by an empty field and more items or a label:
//
//     17,4,250
//     17,4,250,,9,31
//
// What is before the empty field is the history, what is behind it are the targets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/input/line_reader.h"

namespace ppr::data {

struct ItemLine {
  int64_t number = 0;                 // counts from 1
  std::string_view history, targets;  // as in the file; targets may be empty
};

class ItemLinesReader {
 public:
  // StorageError when the file cannot be opened.
  explicit ItemLinesReader(const std::string& path) : path_(path), reader_(path) {}

  // The next lines, some at a time; blank ones are left out. Views are valid until the next call. False at
  // the end. DataError names the line of a user without a history, or with more than one empty field.
  bool Next(std::vector<ItemLine>* lines);

 private:
  ItemLine Parse(std::string_view line, int64_t number) const;

  std::string path_;
  LineReader reader_;
  LineBlock block_;
};

// The id of a user who has none: a digest of the history's text, 32 hexadecimal digits. The same history in
// another file is taken for the same user.
std::string UserIdOf(std::string_view history);

// "a,b,c" -> a, b, c; appended to `items`.
void SplitItems(std::string_view text, std::vector<std::string_view>* items);

}  // namespace ppr::data
