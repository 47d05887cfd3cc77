#include "experiment/printed_numbers.h"

#include <cmath>
#include <cstdlib>
#include <vector>

#include "base/durable_file.h"
#include "base/errors.h"
#include "report/csv.h"

namespace ppr::experiment {
namespace {

const std::vector<std::string> kColumns = {"table", "dataset", "model", "setting", "metric", "value"};

[[noreturn]] void Refuse(const std::string& path, int64_t line, const std::string& expected,
                         const std::string& found) {
  throw DataError(path + ", line " + std::to_string(line) + ": expected " + expected + ", found " + found);
}

}  // namespace

PrintedNumbers PrintedNumbers::Read(const std::string& path) {
  PrintedNumbers printed;
  const std::vector<report::CsvRecord> records = report::ParseCsv(ReadWholeFile(path), path);
  if (records.empty() || records.front().fields != kColumns)
    Refuse(path, 1, "the columns table, dataset, model, setting, metric, value", "others");
  for (size_t i = 1; i < records.size(); ++i) {
    const std::vector<std::string>& fields = records[i].fields;
    if (fields.size() != kColumns.size())
      Refuse(path, records[i].line, "6 fields", std::to_string(fields.size()));
    char* end = nullptr;
    const double value = std::strtod(fields[5].c_str(), &end);
    if (fields[5].empty() || *end != 0 || !std::isfinite(value))
      Refuse(path, records[i].line, "a finite number", "\"" + fields[5] + "\"");
    const report::ResultKey key{fields[0], fields[1], "", fields[2], fields[3], fields[4]};
    if (!printed.values_.emplace(key, value).second)
      Refuse(path, records[i].line, "each number once", "one of " + fields[2] + ", " + fields[4] + " again");
  }
  return printed;
}

std::optional<double> PrintedNumbers::Find(const report::ResultKey& key) const {
  report::ResultKey wanted = key;
  wanted.task.clear();
  const auto found = values_.find(wanted);
  return found == values_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace ppr::experiment
