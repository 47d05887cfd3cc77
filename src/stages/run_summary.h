// summary.json of a run folder: what a finished stage came to, for programs (docs/file-formats.md).
#pragma once

#include <cstdint>
#include <string>

#include "train/training_loop.h"

namespace ppr::stages {

// Counts over all ranks, item rows included; 0 where a stage has no such part.
struct ParameterCounts {
  int64_t trained = 0;
  int64_t pretrained = 0;
  int64_t fresh = 0;
  int64_t generator = 0;  // of `fresh`, the MLP that makes prompts (paper, Table 1)
};

// Whole or not there. Rank 0 calls it, when the stage is over.
void WriteRunSummary(const std::string& run_folder, const std::string& stage,
                     const train::StageResult& result, const ParameterCounts& counts);

}  // namespace ppr::stages
