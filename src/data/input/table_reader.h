// Reads chosen columns of a table, block by block, as text: RecBole atomic files, CSV, TSV (each plain, gzip
// or zstd) and Parquet. Numbers of a Parquet file become the shortest text that names them, so a column reads
// alike in all formats.
//
// Errors: StorageError when the file cannot be opened; DataError (file, row, column, expected, found) when it
// is malformed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ppr::data {

enum class TableFormat { kAtomic, kComma, kTab, kParquet };

// A file of a table, and what its reader must be told about it.
struct TableFile {
  std::string path;
  TableFormat format = TableFormat::kComma;
  std::vector<std::string> header;  // names of the columns of a CSV or TSV that has no header; else empty
  std::string missing_text;         // cells of this text are empty, too
};

struct TableBlock {
  int64_t first_row = 0;  // number of the block's first row; rows count from 1 after the header, if any
  int64_t num_rows = 0;
  // [columns asked for][num_rows]; empty = missing. Valid until the next call of Next().
  std::vector<std::vector<std::string_view>> cells;
};

// The names in the header, blanks at both ends removed and, for atomic files, without ":type". Refuses empty
// or repeated names. Those of `file.header` when the file has none.
std::vector<std::string> ReadColumnNames(const TableFile& file);

class TableReader {
 public:
  // `columns` must be among ReadColumnNames().
  TableReader(const TableFile& file, const std::vector<std::string>& columns);
  ~TableReader();
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;

  // False at the end of the table.
  bool Next(TableBlock* block);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The table's format by the name of its file, `otherwise` when the name does not tell.
TableFormat TableFormatOf(const std::string& path, TableFormat otherwise);

}  // namespace ppr::data
