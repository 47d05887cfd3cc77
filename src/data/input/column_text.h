// One column of an Arrow batch as text cells.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace arrow {
class Array;
class Field;
}  // namespace arrow

namespace ppr::data {

// DataError when a column's type cannot be read as text: nested types, for example.
void CheckColumnType(const std::string& path, const arrow::Field& field);

// Keeps the text of numbers, to which cells point until the next Read().
class ColumnText {
 public:
  // Fills `cells` with one view per row; null = empty. Text is not copied: the array must outlive the cells.
  void Read(const arrow::Array& column, std::vector<std::string_view>* cells);

 private:
  std::vector<char> text_;
};

}  // namespace ppr::data
