#include "report/html.h"

#include "base/errors.h"
#include "base/text_format.h"
#include "report/html_text.h"

namespace ppr::report {
namespace {

// Colours of text keep a contrast of 4.5:1 and more on both grounds, bars one of 3:1 and more.
constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --ground: #ffffff; --text: #1b1b1b; --soft: #555555; --rule: #c9c9c9;
  --s0: #0b62a8; --s1: #b34700; --s2: #1f7a3d; --s3: #8a3aa8; --s4: #a8203a; --s5: #6b6b00; }
@media (prefers-color-scheme: dark) { :root { --ground: #161616; --text: #ececec; --soft: #b4b4b4; --rule: #4a4a4a;
  --s0: #6cb6f5; --s1: #f59a5c; --s2: #74cf92; --s3: #d39bea; --s4: #f58a9e; --s5: #d3d35c; } }
body { margin: 0 auto; max-width: 78rem; padding: 1rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; }
a { color: var(--s0); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0 0.25rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: 0.25rem; }
th, td { padding: 0.2rem 0.5rem; text-align: right; white-space: nowrap; vertical-align: top;
  border-bottom: 1px solid var(--rule); }
thead th { white-space: normal; vertical-align: bottom; max-width: 9rem; }
th[scope="row"], thead th:first-child { text-align: left; position: sticky; left: 0; background: var(--ground);
  white-space: normal; min-width: min(9rem, 40vw); max-width: min(22rem, 45vw); overflow-wrap: anywhere; }
h1, h2, p, caption, figcaption, nav { overflow-wrap: anywhere; }
.beneath { display: block; color: var(--soft); font-size: 0.8rem; line-height: 1.3; }
.note, figcaption { color: var(--soft); font-size: 0.9rem; }
figure { margin: 1.5rem 0; }
svg { width: 100%; min-width: 34rem; max-width: 48rem; height: auto; }
svg text { font: 13px system-ui, sans-serif; fill: var(--text); }
svg .group { font-weight: 600; }
svg .zero { stroke: var(--soft); }
.series-0 { fill: var(--s0); } .series-1 { fill: var(--s1); } .series-2 { fill: var(--s2); }
.series-3 { fill: var(--s3); } .series-4 { fill: var(--s4); } .series-5 { fill: var(--s5); }
)";

std::string Head(const Report& report) {
  return "<!DOCTYPE html>\n<html lang=\"" + HtmlEscaped(report.language) +
         "\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
         "'unsafe-inline'\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         HtmlEscaped(report.title) + "</title>\n<style>" + kStyle + "</style>\n</head>\n";
}

std::string Contents(const Report& report) {
  if (report.sections.size() < 2) return "";
  std::string text = "<nav aria-label=\"Contents\">\n<ul>\n";
  for (size_t i = 0; i < report.sections.size(); ++i) {
    text += Format("<li><a href=\"#section-%zu\">", i + 1) + HtmlEscaped(report.sections[i].heading) +
            "</a></li>\n";
  }
  return text + "</ul>\n</nav>\n";
}

std::string Emphasised(const std::string& text, bool best) {
  return best ? "<strong>" + HtmlEscaped(text) + "</strong>" : HtmlEscaped(text);
}

std::string Row(const Table& table, const TableRow& row) {
  PPR_BUG_IF_NOT(row.cells.size() == table.columns.size(),
                 "table '" + table.caption + "', row '" + row.head + "': expected " +
                     std::to_string(table.columns.size()) + " cells, found " +
                     std::to_string(row.cells.size()));
  std::string text = "<tr><th scope=\"row\">" + HtmlEscaped(row.head) + "</th>";
  for (const TableCell& cell : row.cells) {
    text += "<td>" + Emphasised(cell.text, cell.best);
    for (const CellLine& line : cell.beneath)
      text += "<span class=\"beneath\">" + Emphasised(line.text, line.best) + "</span>";
    text += "</td>";
  }
  return text + "</tr>\n";
}

// What is wide scrolls by itself; the frame can be reached from the keyboard for that. It is named by the
// heading of its section and the element `label`, since captions repeat from section to section.
std::string FrameStart(size_t section, const std::string& label) {
  return Format("<div class=\"wide\" role=\"group\" tabindex=\"0\" aria-labelledby=\"section-%zu-heading ",
                section) +
         label + "\">\n";
}

std::string TableHtml(const Table& table, size_t section, int number) {
  const std::string label = Format("table-%d-caption", number);
  std::string text = FrameStart(section, label) + "<table>\n<caption id=\"" + label + "\">" +
                     HtmlEscaped(table.caption) + "</caption>\n<thead><tr><th scope=\"col\">" +
                     HtmlEscaped(table.corner) + "</th>";
  for (const std::string& column : table.columns)
    text += "<th scope=\"col\">" + HtmlEscaped(column) + "</th>";
  text += "</tr></thead>\n<tbody>\n";
  for (const TableRow& row : table.rows) text += Row(table, row);
  text += "</tbody>\n</table>\n</div>\n";
  if (!table.note.empty()) text += "<p class=\"note\">" + HtmlEscaped(table.note) + "</p>\n";
  return text;
}

std::string SectionHtml(const ReportSection& section, size_t number, int& tables, int& figures) {
  std::string text = Format("<section id=\"section-%zu\">\n<h2 id=\"section-%zu-heading\">", number, number) +
                     HtmlEscaped(section.heading) + "</h2>\n";
  for (const std::string& paragraph : section.paragraphs) text += "<p>" + HtmlEscaped(paragraph) + "</p>\n";
  for (const Table& table : section.tables) text += TableHtml(table, number, ++tables);
  for (const BarFigure& figure : section.figures) {
    ++figures;
    text +=
        FrameStart(number, Format("figure-%d-title", figures)) + BarFigureHtml(figure, figures) + "</div>\n";
  }
  return text + "</section>\n";
}

}  // namespace

std::string ReportHtml(const Report& report) {
  std::string text = Head(report) + "<body>\n<header>\n<h1>" + HtmlEscaped(report.title) + "</h1>\n" +
                     Contents(report) + "</header>\n<main>\n";
  int tables = 0, figures = 0;
  for (size_t i = 0; i < report.sections.size(); ++i)
    text += SectionHtml(report.sections[i], i + 1, tables, figures);
  text += "</main>\n</body>\n</html>\n";
  if (text.size() > kMaxReportBytes) {
    throw DataError("report '" + report.title + "': expected at most " + WithThousands(kMaxReportBytes) +
                    " bytes, found " + WithThousands(static_cast<long long>(text.size())) +
                    "; report fewer tables at a time");
  }
  return text;
}

}  // namespace ppr::report
