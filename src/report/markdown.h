// A table in Markdown (GitHub's flavour): the caption in bold, the table, its note. Text is escaped, so that
// a star in a cell stays a star and a bar does not open a column.
#pragma once

#include <string>

#include "report/table.h"

namespace ppr::report {

// A row that has another number of cells than the table has columns is a BugError.
std::string MarkdownTable(const Table& table);

}  // namespace ppr::report
