// Comma-separated values as RFC 4180 has them: fields with a comma, a quote or a line break stand in quotes,
// and a quote inside is doubled. Lines end in CRLF when written; LF alone is read as well. Bytes are kept as
// they are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ppr::report {

struct CsvRecord {
  int64_t line = 0;  // where it begins, from 1; a quoted field may span lines
  std::vector<std::string> fields;
};

// One record with its line break.
std::string CsvLine(const std::vector<std::string>& fields);
// Throws DataError with `where` (the file's path), the line, what was expected and what was found.
std::vector<CsvRecord> ParseCsv(std::string_view text, const std::string& where);

}  // namespace ppr::report
