// The results of an experiment: one row per metric of one evaluated run, in results.csv, and their summary
// over seeds. Everything a report shows comes from these rows.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ppr::report {

// What a number is about, the seed aside.
struct ResultKey {
  std::string table;    // of the paper, or of the experiment: "table3"
  std::string dataset;  // "CIKM"
  std::string task;     // "few-shot"
  std::string model;    // "PPR(full)"
  std::string setting;  // what varies beside the model: "k=5"; may be empty
  std::string metric;   // "NDCG@10"
  auto operator<=>(const ResultKey&) const = default;
};

struct ResultRow {
  ResultKey key;
  uint64_t seed = 0;
  double value = 0;                   // finite
  std::optional<double> paper_value;  // what the paper prints for this cell, where it has it; finite
  bool operator==(const ResultRow&) const = default;
};

// One group of rows that differ in their seed alone.
struct ResultSummary {
  ResultKey key;
  int64_t n = 0;  // seeds
  double mean = 0;
  double sd = 0;  // sample standard deviation; 0 when n is 1
  std::optional<double> paper_value;
};

// results.csv: a header, then a row per line. Doubles are the shortest decimals that read back to the same
// bits. A value that is not finite is refused (DataError).
std::string ResultsCsv(const std::vector<ResultRow>& rows);
// `where` is the path that errors name, with line, column, expected and found (DataError).
std::vector<ResultRow> ParseResultsCsv(std::string_view text, const std::string& where);

void WriteResults(const std::string& path, const std::vector<ResultRow>& rows);
std::vector<ResultRow> ReadResults(const std::string& path);

// Groups in order of first appearance. A seed that comes twice in a group, or two different paper values in
// one, is a DataError: a mean would count one run twice.
std::vector<ResultSummary> SummariseOverSeeds(const std::vector<ResultRow>& rows);

}  // namespace ppr::report
