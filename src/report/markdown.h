// Tables and reports in Markdown (GitHub's flavour). Text is escaped, so that a star in a cell stays a star
// and a bar does not open a column.
#pragma once

#include <string>

#include "report/html.h"
#include "report/table.h"

namespace ppr::report {

// The caption in bold, the rows, the note. A row that has another number of cells than the table has columns
// is a BugError.
std::string MarkdownTable(const Table& table);

// A whole report; figures become tables of their numbers.
std::string MarkdownReport(const Report& report);

}  // namespace ppr::report
