// `ppr experiment`, whole: expand, train, choose, evaluate, report.
#pragma once

#include <functional>
#include <string>

#include "experiment/experiment_config.h"

namespace ppr::experiment {

// Writes results.csv, report.md and report.html to config.output and returns a few lines for a person; with
// dry_run returns the plan and writes nothing. Goes on where an earlier run of the same folder was.
// `progress` gets a line at a time. Errors are those of stage_runner.h; with keep_going the first failure is
// thrown after everything else was done and reported.
std::string RunExperiment(const ExperimentConfig& config,
                          const std::function<void(const std::string& line)>& progress);

}  // namespace ppr::experiment
