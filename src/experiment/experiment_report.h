// The report of an experiment: what a reader gets from results alone, with no time, date or path in it.
#pragma once

#include <vector>

#include "experiment/experiment_config.h"
#include "experiment/row_results.h"
#include "report/html.h"

namespace ppr::experiment {

report::Report MakeReport(const ExperimentConfig& config, const ExperimentResults& results);

}  // namespace ppr::experiment
