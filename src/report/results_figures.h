// Summaries as bars: what Figures 3 (ablation) and 4 (relative improvement by sparsity) of the paper show.
#pragma once

#include <string>
#include <vector>

#include "report/html_bars.h"
#include "report/results.h"

namespace ppr::report {

// Means, one group per metric, one series per model with its setting. The summaries must be of one table,
// dataset and task (BugError), here and below.
BarFigure MeansFigure(const std::vector<ResultSummary>& summaries, const std::string& caption);

// 100 (mean of the model / mean of `reference` - 1) of one metric: one group per setting, one series per
// other model. No bar where a model or the reference has no result, or the reference is 0. A reference that
// no summary is of is a DataError.
BarFigure ImprovementFigure(const std::vector<ResultSummary>& summaries, const std::string& metric,
                            const std::string& reference, const std::string& caption);

}  // namespace ppr::report
