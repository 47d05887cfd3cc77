// report.html: one file that holds everything it shows. It asks nothing of the network (its own policy
// forbids it), is readable in light and dark, and says in text what its figures show.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "report/html_bars.h"
#include "report/table.h"

namespace ppr::report {

// The largest report: it should open at once, and go into a mail.
inline constexpr size_t kMaxReportBytes = 1'000'000;

// Shown in this order.
struct ReportSection {
  std::string heading;
  std::vector<std::string> paragraphs;
  std::vector<Table> tables;
  std::vector<BarFigure> figures;
};

struct Report {
  std::string title;
  std::string language = "en";  // of the text, as a BCP 47 tag
  std::vector<ReportSection> sections;
};

// All text is plain and gets escaped. A report beyond kMaxReportBytes is refused (DataError); a row that has
// another number of cells than its table has columns is a BugError.
std::string ReportHtml(const Report& report);

}  // namespace ppr::report
