#include "report/markdown.h"

#include <optional>
#include <string_view>
#include <utility>

#include "base/errors.h"
#include "base/text_format.h"

namespace ppr::report {
namespace {

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (std::string_view("\\|*_`<>[]&~$").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c == '\n' || c == '\r' ? ' ' : c;
  }
  return escaped;
}

std::string Bold(const std::string& text) { return "**" + Escaped(text) + "**"; }

std::string Line(const TableRow& row) {
  std::string line = "| " + Escaped(row.head);
  for (const TableCell& cell : row.cells) {
    line += " | " + (cell.best ? Bold(cell.text) : Escaped(cell.text));
    for (const CellLine& beneath : cell.beneath)
      line += "<br>" + (beneath.best ? Bold(beneath.text) : Escaped(beneath.text));
  }
  return line + " |\n";
}

// The numbers of a figure: series as rows, groups as columns.
Table TableOf(const BarFigure& figure) {
  Table table{.caption = figure.caption, .corner = figure.quantity, .columns = figure.groups};
  for (const BarSeries& series : figure.series) {
    TableRow row{.head = series.name};
    for (const std::optional<double>& value : series.values)
      row.cells.push_back({value ? Format("%.*f", figure.decimals, *value) : "–"});
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

std::string MarkdownTable(const Table& table) {
  TableRow head{.head = table.corner};
  std::string rule = "| --- |";  // numbers stand to the right
  for (const std::string& column : table.columns) {
    head.cells.push_back({column});
    rule += " ---: |";
  }
  std::string text = Bold(table.caption) + "\n\n" + Line(head) + rule + "\n";
  for (const TableRow& row : table.rows) {
    PPR_BUG_IF_NOT(row.cells.size() == table.columns.size(),
                   "table '" + table.caption + "', row '" + row.head + "': expected " +
                       std::to_string(table.columns.size()) + " cells, found " +
                       std::to_string(row.cells.size()));
    text += Line(row);
  }
  if (!table.note.empty()) text += "\n" + Escaped(table.note) + "\n";
  return text;
}

std::string MarkdownReport(const Report& report) {
  std::string text = "# " + Escaped(report.title) + "\n";
  for (const ReportSection& section : report.sections) {
    text += "\n## " + Escaped(section.heading) + "\n";
    for (const std::string& paragraph : section.paragraphs) text += "\n" + Escaped(paragraph) + "\n";
    for (const Table& table : section.tables) text += "\n" + MarkdownTable(table);
    for (const BarFigure& figure : section.figures) text += "\n" + MarkdownTable(TableOf(figure));
  }
  return text;
}

}  // namespace ppr::report
