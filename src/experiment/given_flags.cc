#include "experiment/given_flags.h"

#include <algorithm>
#include <cstdlib>
#include <map>

namespace ppr::experiment {
namespace {

using Problems = std::vector<std::string>;
using Instead = std::map<std::string, std::string>;  // flag -> what to use; "" where there is nothing

const std::string kDatasets = "use --datasets";
const std::string kModels = "use --models";
const std::string kTables = "use --tables";
const std::string kSparsity = "use --tables=figure4_sparsity with --ks";

const Instead& OfPretrain() {
  static const Instead flags = {
      {"dataset", kDatasets},
      {"source_dataset", kDatasets},
      {"output", ""},
      {"seed", "use --seeds"},
      {"resume", ""},
      {"model", kModels},
      {"train_users", kModels},
      {"task", kTables},
      {"shots", kSparsity},
      {"profile_model", "models from scratch have one, the pre-trained model has none"}};
  return flags;
}

const Instead& OfTune() {
  static const Instead flags = {{"dataset", kDatasets},
                                {"source_dataset", kDatasets},
                                {"output", ""},
                                {"seed", "use --seeds"},
                                {"resume", ""},
                                {"checkpoint", ""},
                                {"method", kModels},
                                {"prompt", "use --models=shared_prompt"},
                                {"task", kTables},
                                {"shots", kSparsity},
                                {"learning_rate", "use --learning_rates"},
                                {"new_learning_rate", "use --learning_rates"},
                                {"predict_field", "use --predict_fields"}};
  return flags;
}

const Instead& OfEvaluate() {
  static const Instead flags = {
      {"dataset", kDatasets}, {"source_dataset", kDatasets},      {"output", ""},    {"checkpoint", ""},
      {"baseline", kModels},  {"part", "tables show test users"}, {"task", kTables}, {"shots", kSparsity}};
  return flags;
}

void CheckOwn(const std::string& flag, const StageFlags& flags, const Instead& own, Problems& problems) {
  for (const auto& [name, instead] : own) {
    if (!flags.contains(name)) continue;
    problems.push_back(flag + ": expected no --" + name + ", which the experiment sets" +
                       (instead.empty() ? "" : "; " + instead));
  }
}

// Flags that may be given, except where a table compares their values.
void CheckVaried(const ExperimentConfig& config, Problems& problems) {
  const auto shows = [&](const std::string& table) {
    return std::find(config.tables.begin(), config.tables.end(), table) != config.tables.end();
  };
  if (config.tune.contains("prompt_tokens") && shows("prompt_length")) {
    problems.push_back(
        "tune_flags: expected no --prompt_tokens, which prompt_length varies; use --prompt_lengths");
  }
  if (!shows("figure3_ablation")) return;
  if (config.tune.contains("views")) {
    problems.push_back(
        "tune_flags: expected no --views, which figure3_ablation varies; give them in a run of other tables");
  }
  const auto weight = config.tune.find("contrastive_weight");
  if (weight != config.tune.end() && std::strtod(weight->second.c_str(), nullptr) == 0) {
    problems.push_back(
        "tune_flags: expected --contrastive_weight above 0, as figure3_ablation compares with no contrastive "
        "loss; found " +
        weight->second + "; give it in a run of other tables");
  }
}

}  // namespace

std::vector<std::string> ProblemsOfGivenFlags(const ExperimentConfig& config) {
  Problems problems;
  CheckOwn("pretrain_flags", config.pretrain, OfPretrain(), problems);
  CheckOwn("tune_flags", config.tune, OfTune(), problems);
  CheckOwn("evaluate_flags", config.evaluate, OfEvaluate(), problems);
  CheckVaried(config, problems);
  return problems;
}

}  // namespace ppr::experiment
