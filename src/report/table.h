// A table as a reader sees it: captions, heads and cells in plain text. Markdown and HTML write the same
// tables.
#pragma once

#include <string>
#include <vector>

namespace ppr::report {

// A smaller line under the text of a cell.
struct CellLine {
  std::string text;
  bool best = false;
};

struct TableCell {
  std::string text;
  bool best = false;  // of its column: in bold
  std::vector<CellLine> beneath;
};

struct TableRow {
  std::string head;
  std::vector<TableCell> cells;  // one per column
};

struct Table {
  std::string caption;
  std::string corner;  // what the heads of the rows are: "model"
  std::vector<std::string> columns;
  std::vector<TableRow> rows;
  std::string note;  // below the table; may be empty
};

}  // namespace ppr::report
