#include "experiment/plan_check.h"

#include <algorithm>
#include <map>

#include "base/errors.h"
#include "base/nearest_name.h"
#include "experiment/expansion.h"
#include "experiment/stage_command.h"

namespace ppr::experiment {
namespace {

// A problem and the stages that have it.
struct Finding {
  std::string text;
  int64_t more = 0;  // stages besides the first
};

// Stages that differ in these alone are judged alike.
std::string KindOf(const Stage& stage) {
  std::string text = CommandOf(stage.kind);
  for (const auto& [name, value] : stage.flags) {
    if (name != "seed") text += " " + name + "=" + value;
  }
  for (const StageInput& input : stage.inputs) text += " " + input.flag;
  return text;
}

void CheckStages(const ExperimentConfig& config, const StagePlan& plan, std::vector<std::string>& problems) {
  const StageStore store(config.output);
  std::map<std::string, std::vector<std::string>> of_kind;
  std::vector<Finding> findings;
  std::map<std::string, size_t> places;  // command and problem -> finding
  for (const Stage& stage : plan.stages()) {
    const std::string command = CommandOf(stage.kind);
    const auto [known, is_new] = of_kind.emplace(KindOf(stage), std::vector<std::string>{});
    if (is_new) {
      std::vector<std::string> words = CommandLineOf(plan, stage, store, {{}, config.program});
      words.erase(words.begin(), words.begin() + 2);  // program and command
      known->second = config.check_stage(command, words);
    }
    for (const std::string& problem : known->second) {
      const auto [place, first] = places.emplace(command + " " + problem, findings.size());
      if (first) {
        findings.push_back({command + " of " + stage.label + ": " + problem});
      } else {
        ++findings[place->second].more;
      }
    }
  }
  for (const Finding& finding : findings) {
    const std::string others =
        finding.more == 0 ? "" : " (and " + std::to_string(finding.more) + " stages more)";
    problems.push_back(finding.text + others);
  }
}

void CheckFields(const ExperimentConfig& config, const DatasetInput& dataset,
                 std::vector<std::string>& problems) {
  const std::vector<std::string> wanted = FieldsOf(dataset.name, config.rows);
  if (wanted.empty() || dataset.crosses_domains() || dataset.target().prepared()) return;
  try {
    const std::vector<std::string> fields = config.fields_of(dataset.target().path);
    std::string list;
    for (const std::string& field : fields) list += (list.empty() ? "" : ", ") + field;
    for (const std::string& field : wanted) {
      if (std::find(fields.begin(), fields.end(), field) != fields.end()) continue;
      problems.push_back("predict_fields: expected profile fields of " + dataset.name + " (" +
                         (list.empty() ? "it has none" : list) + "), found \"" + field + "\"" +
                         DidYouMean(field, fields));
    }
  } catch (const Error& error) {
    problems.push_back("datasets: " + dataset.name + ": " + error.what());
  }
}

}  // namespace

std::vector<std::string> ProblemsOfPlan(const ExperimentConfig& config,
                                        const std::vector<DatasetInput>& datasets) {
  std::vector<std::string> problems;
  if (config.check_stage) {
    Expansion expansion = ExpandTraining(config, datasets);
    for (size_t row = 0; row < expansion.rows.size(); ++row)
      ExpandEvaluation(config, datasets, 0, row, expansion);
    CheckStages(config, expansion.plan, problems);
  }
  if (config.fields_of && Shows(config, TableKind::kProfile)) {
    for (const DatasetInput& dataset : datasets) CheckFields(config, dataset, problems);
  }
  return problems;
}

}  // namespace ppr::experiment
