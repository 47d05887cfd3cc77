// Flags that a person gives for the stages of an experiment, and which of them would falsify its tables.
#pragma once

#include <string>
#include <vector>

#include "experiment/experiment_config.h"

namespace ppr::experiment {

// Flags that the experiment sets itself, or by which the rows of a requested table differ, each with what to
// use instead.
std::vector<std::string> ProblemsOfGivenFlags(const ExperimentConfig& config);

}  // namespace ppr::experiment
