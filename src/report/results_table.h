// Summaries and tests as tables: models as rows, metrics as columns, mean and standard deviation over seeds,
// the best in bold, significance beside it, and the paper's numbers beneath.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "report/results.h"
#include "report/significance.h"
#include "report/table.h"

namespace ppr::report {

struct ResultsTableOptions {
  std::string caption;
  int decimals = 4;
  std::set<std::string> lower_is_better;  // metrics where less is better, such as a loss
  // Corrected tests of cells of this table against one other model. A cell that is better by a significant
  // difference gets an upward triangle and stars, one that is worse a downward triangle and stars.
  std::vector<PairedTest> tests;
};

// Rows and columns in order of first appearance; a row is a model with its setting. "–" where there is no
// result. All values that print like the best one are best: a difference below the printed digits is no win.
// The summaries must be of one table, dataset and task, and the tests against one model (BugError).
Table ResultsTable(const std::vector<ResultSummary>& summaries, const ResultsTableOptions& options);

// One row per test: difference, effect size d_z, p-value, p-value after Holm's correction, and what that says
// at the level of 0.05.
Table TestsTable(const std::vector<PairedTest>& tests, const std::string& caption);

}  // namespace ppr::report
