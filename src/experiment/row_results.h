// Numbers of a table's rows, read from what their stages left behind.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiment/expansion.h"
#include "experiment/printed_numbers.h"
#include "experiment/stage_store.h"
#include "report/results.h"
#include "report/significance.h"

namespace ppr::experiment {

// What a row's learning rate was chosen by.
struct RateChoice {
  std::string table, dataset, head;  // head: the row's
  std::string rate;
  std::optional<double> validation;  // mean over seeds; none: nothing was validated
  int64_t choices = 0;               // rates that it was chosen from: trained with all seeds
  int64_t tried = 0;                 // those, and rates that a seed failed with
};

struct TableTests {
  std::string table, dataset;
  std::vector<report::PairedTest> tests;  // corrected over all datasets of the table
  // Tests against the model whose name is marked in the table: a part of `tests`.
  std::vector<report::PairedTest> marks;
  // The metric on test users by which the other model was picked; "" where it is fine-tuning.
  std::string picked_by;
};

struct ExperimentResults {
  std::vector<report::ResultRow> rows;
  std::vector<RateChoice> rates;
  std::vector<TableTests> tests;
};

// Reads the outputs of complete stages; seeds whose stages failed are left out.
class ResultsReader {
 public:
  ResultsReader(const ExperimentConfig& config, const StageStore& store, const PrintedNumbers& printed)
      : config_(config), store_(store), printed_(printed) {}

  // Validation values by candidate and seed, for learning_rates.h. Where there is a choice, a candidate has
  // values of all seeds or none: a mean over the seeds it survived would favour it. A DataError when there is
  // a choice and a complete stage has no value to choose by.
  std::vector<std::vector<double>> ValidationValues(const StagePlan& plan, const ExpandedRow& row) const;

  // Rows of results.csv of one row of a table.
  std::vector<report::ResultRow> Metrics(const StagePlan& plan, const ExpandedRow& row) const;
  std::vector<report::ResultRow> Parameters(const StagePlan& plan, const ExpandedRow& row) const;
  // Table 2: users, items and clicks of a dataset file.
  std::vector<report::ResultRow> DatasetCounts(const std::string& dataset, const std::string& path) const;

 private:
  report::ResultRow Row(const ExpandedRow& row, const std::string& metric, uint64_t seed, double value) const;

  const ExperimentConfig& config_;
  const StageStore& store_;
  const PrintedNumbers& printed_;
};

// Paired tests of all rows of one table, by dataset, corrected as one family.
std::vector<TableTests> TestsOfTable(const std::string& table, const Expansion& expansion,
                                     const StageStore& store, const std::vector<report::ResultRow>& rows);

}  // namespace ppr::experiment
