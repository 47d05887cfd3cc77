#include "report/results.h"

#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "base/durable_file.h"
#include "base/errors.h"
#include "base/text_format.h"
#include "report/csv.h"
#include "report/moments.h"

namespace ppr::report {
namespace {

const std::vector<std::string>& Columns() {
  static const std::vector<std::string> columns = {"table", "dataset", "task",  "model",      "setting",
                                                   "seed",  "metric",  "value", "paper_value"};
  return columns;
}

std::string Described(const ResultKey& key) {
  std::string text = key.table + ", " + key.dataset + ", " + key.task + ", " + key.model;
  if (!key.setting.empty()) text += " (" + key.setting + ")";
  return text + ", " + key.metric;
}

std::string ShortestDecimal(double value, const ResultKey& key) {
  if (!std::isfinite(value)) {
    throw DataError("results of " + Described(key) + ": expected a finite value, found " +
                    std::to_string(value) + "; a run that diverged has no result to report");
  }
  std::array<char, 32> text;
  const std::to_chars_result end = std::to_chars(text.data(), text.data() + text.size(), value);
  return std::string(text.data(), end.ptr);
}

// Reads the fields of one record in turn; errors name file, line and column.
class RowReader {
 public:
  RowReader(const CsvRecord& record, const std::string& where) : record_(record), where_(where) {
    if (record.fields.size() != Columns().size()) {
      Refuse(std::to_string(Columns().size()) + " fields", std::to_string(record.fields.size()));
    }
  }

  ResultRow Row() const {
    ResultRow row{.key = {.table = Name(0),
                          .dataset = Name(1),
                          .task = Name(2),
                          .model = Name(3),
                          .setting = record_.fields[4],
                          .metric = Name(6)},
                  .seed = Number<uint64_t>(5, "a whole number from 0"),
                  .value = Finite(7)};
    if (!record_.fields[8].empty()) row.paper_value = Finite(8);
    return row;
  }

 private:
  std::string Name(size_t column) const {
    if (record_.fields[column].empty()) RefuseField(column, "a name");
    return record_.fields[column];
  }

  template <typename T>
  T Number(size_t column, const std::string& expected) const {
    const std::string& field = record_.fields[column];
    T value{};
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc() || end != field.data() + field.size()) RefuseField(column, expected);
    return value;
  }

  double Finite(size_t column) const {
    const std::string expected = "a finite number";
    const auto value = Number<double>(column, expected);
    if (!std::isfinite(value)) RefuseField(column, expected);
    return value;
  }

  [[noreturn]] void RefuseField(size_t column, const std::string& expected) const {
    Refuse(expected + " in column " + Columns()[column], "'" + record_.fields[column] + "'");
  }

  [[noreturn]] void Refuse(const std::string& expected, const std::string& found) const {
    throw DataError(where_ + ", line " + std::to_string(record_.line) + ": expected " + expected +
                    ", found " + found + "; correct this line or write the file again");
  }

  const CsvRecord& record_;
  const std::string& where_;
};

void CheckHeader(const std::vector<CsvRecord>& records, const std::string& where) {
  if (!records.empty() && records.front().fields == Columns()) return;
  std::string expected = CsvLine(Columns()),
              found = records.empty() ? "an empty file" : CsvLine(records.front().fields);
  for (std::string* line : {&expected, &found}) line->erase(line->find_last_not_of("\r\n") + 1);
  throw DataError(where + ", line 1: expected the header " + expected + ", found " + found +
                  "; is this the results.csv of an experiment?");
}

// The rows of one key.
struct Group {
  ResultKey key;
  std::set<uint64_t> seeds;
  std::vector<double> values;
  std::optional<double> paper_value;
};

std::string PaperText(const std::optional<double>& value) { return value ? Format("%.17g", *value) : "none"; }

void AddToGroup(Group& group, const ResultRow& row) {
  if (!group.seeds.insert(row.seed).second) {
    throw DataError("results of " + Described(row.key) + ": expected each seed once, found seed " +
                    std::to_string(row.seed) + " twice; remove one of the rows");
  }
  if (group.paper_value != row.paper_value) {
    throw DataError("results of " + Described(row.key) + ", seed " + std::to_string(row.seed) +
                    ": expected the paper value of the seeds before it, " + PaperText(group.paper_value) +
                    ", found " + PaperText(row.paper_value));
  }
  group.values.push_back(row.value);
}

}  // namespace

std::string ResultsCsv(const std::vector<ResultRow>& rows) {
  std::string text = CsvLine(Columns());
  for (const ResultRow& row : rows) {
    const ResultKey& key = row.key;
    text += CsvLine({key.table, key.dataset, key.task, key.model, key.setting, std::to_string(row.seed),
                     key.metric, ShortestDecimal(row.value, key),
                     row.paper_value ? ShortestDecimal(*row.paper_value, key) : std::string()});
  }
  return text;
}

std::vector<ResultRow> ParseResultsCsv(std::string_view text, const std::string& where) {
  const std::vector<CsvRecord> records = ParseCsv(text, where);
  CheckHeader(records, where);
  std::vector<ResultRow> rows;
  for (size_t i = 1; i < records.size(); ++i) rows.push_back(RowReader(records[i], where).Row());
  return rows;
}

void WriteResults(const std::string& path, const std::vector<ResultRow>& rows) {
  WriteFileDurably(path, ResultsCsv(rows));
}

std::vector<ResultRow> ReadResults(const std::string& path) {
  return ParseResultsCsv(ReadWholeFile(path), path);
}

std::vector<ResultSummary> SummariseOverSeeds(const std::vector<ResultRow>& rows) {
  std::vector<Group> groups;
  std::map<ResultKey, size_t> places;
  for (const ResultRow& row : rows) {
    const auto [place, is_new] = places.emplace(row.key, groups.size());
    if (is_new) groups.push_back({.key = row.key, .paper_value = row.paper_value});
    AddToGroup(groups[place->second], row);
  }
  std::vector<ResultSummary> summaries;
  for (const Group& group : groups) {
    const Moments moments = MomentsOf(group.values);
    summaries.push_back({group.key, moments.n, moments.mean, moments.sd, group.paper_value});
  }
  return summaries;
}

}  // namespace ppr::report
