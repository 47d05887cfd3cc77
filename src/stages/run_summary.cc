#include "stages/run_summary.h"

#include <nlohmann/json.hpp>

#include "base/durable_file.h"

namespace ppr::stages {

void WriteRunSummary(const std::string& run_folder, const std::string& stage,
                     const train::StageResult& result, const ParameterCounts& counts) {
  const nlohmann::json best = result.validated ? nlohmann::json(result.best_metric) : nlohmann::json();
  const nlohmann::json json = {{"stage", stage},
                               {"metric", result.metric},
                               {"best_value", best},
                               {"best_step", result.best_step},
                               {"steps", result.steps},
                               {"trained_parameters", counts.trained},
                               {"pretrained_parameters", counts.pretrained},
                               {"new_parameters", counts.fresh},
                               {"generator_parameters", counts.generator}};
  WriteFileDurably(run_folder + "/summary.json", json.dump(2) + "\n");
}

}  // namespace ppr::stages
