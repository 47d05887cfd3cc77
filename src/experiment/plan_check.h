// What would be refused in the middle of an experiment, found before its first stage runs.
#pragma once

#include <string>
#include <vector>

#include "experiment/experiment_config.h"

namespace ppr::experiment {

// Every stage's command line as its command judges it, and fields to predict that a dataset file does not
// have. Each problem once, with the first stage it concerns. What depends on the contents of files that
// stages write is left to the stages.
std::vector<std::string> ProblemsOfPlan(const ExperimentConfig& config,
                                        const std::vector<DatasetInput>& datasets);

}  // namespace ppr::experiment
