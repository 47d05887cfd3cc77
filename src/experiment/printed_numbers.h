// The numbers that the paper prints, as a CSV: table, dataset, model, setting, metric, value.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "report/results.h"

namespace ppr::experiment {

class PrintedNumbers {
 public:
  PrintedNumbers() = default;
  // DataError with line, expected and found.
  static PrintedNumbers Read(const std::string& path);

  // The paper's value; a setting that the paper does not print has none.
  std::optional<double> Find(const report::ResultKey& key) const;
  size_t size() const { return values_.size(); }

 private:
  std::map<report::ResultKey, double> values_;  // with an empty task
};

}  // namespace ppr::experiment
