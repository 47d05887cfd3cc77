#include "experiment/experiment_config.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "base/durable_file.h"
#include "base/errors.h"
#include "base/nearest_name.h"

namespace ppr::experiment {
namespace {

using Problems = std::vector<std::string>;

void CheckNames(const std::string& flag, const std::vector<std::string>& found,
                const std::vector<std::string>& known, Problems& problems) {
  std::string list;
  for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
  std::set<std::string> seen;
  for (const std::string& name : found) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      problems.push_back(flag + ": expected names of " + list + "; found \"" + name + "\"" +
                         DidYouMean(name, known));
    } else if (!seen.insert(name).second) {
      problems.push_back(flag + ": expected each name once, found " + name + " twice");
    }
  }
}

void CheckNotEmpty(const std::string& flag, bool empty, const std::string& expected, Problems& problems) {
  if (empty) problems.push_back(flag + ": expected " + expected + ", found nothing");
}

// Flags that the experiment sets itself, with what to use instead.
void CheckOwnFlags(const std::string& flag, const StageFlags& flags,
                   const std::map<std::string, std::string>& own, Problems& problems) {
  for (const auto& [name, instead] : own) {
    if (!flags.contains(name)) continue;
    problems.push_back(flag + ": expected no --" + name + ", which the experiment sets" +
                       (instead.empty() ? "" : "; use --" + instead));
  }
}

// Tables that have something to show on the datasets given.
bool HasRows(const ExperimentConfig& config, const TableSpec& table) {
  return std::any_of(config.datasets.begin(), config.datasets.end(), [&](const DatasetSpec& dataset) {
    if (dataset.crosses_domains() != table.crosses_domains) return false;
    return table.kind == TableKind::kDatasets || !RowsOf(table, dataset.name, config.rows).empty();
  });
}

void CheckContents(const ExperimentConfig& config, Problems& problems) {
  std::vector<const TableSpec*> tables;
  for (const std::string& name : config.tables) {
    if (const TableSpec* table = FindTable(name)) tables.push_back(table);
  }
  if (tables.size() != config.tables.size() || tables.empty() || config.datasets.empty()) return;
  if (std::any_of(tables.begin(), tables.end(), [&](const TableSpec* t) { return HasRows(config, *t); }))
    return;
  for (const TableSpec* table : tables) {
    if (table->crosses_domains) {
      problems.push_back("datasets: " + table->name +
                         " needs two domains: expected SOURCE:TARGET=source.h5:target.h5, found none");
    } else if (table->kind == TableKind::kProfile && config.rows.predict_fields.empty()) {
      problems.push_back("predict_fields: " + table->name + " needs fields to predict, found none");
    } else {
      problems.push_back("tables: " + table->name + " has no row with these --models and --datasets");
    }
  }
}

void CheckStageFlags(const ExperimentConfig& config, Problems& problems) {
  const std::string elsewhere = "datasets";
  CheckOwnFlags("pretrain_flags", config.pretrain,
                {{"dataset", elsewhere},
                 {"source_dataset", elsewhere},
                 {"output", ""},
                 {"seed", "seeds"},
                 {"resume", ""},
                 {"model", "models"},
                 {"train_users", "models"},
                 {"task", "tables"}},
                problems);
  CheckOwnFlags("tune_flags", config.tune,
                {{"dataset", elsewhere},
                 {"source_dataset", elsewhere},
                 {"output", ""},
                 {"seed", "seeds"},
                 {"resume", ""},
                 {"checkpoint", ""},
                 {"method", "models"},
                 {"task", "tables"},
                 {"learning_rate", "learning_rates"},
                 {"new_learning_rate", "learning_rates"},
                 {"predict_field", "predict_fields"}},
                problems);
  CheckOwnFlags("evaluate_flags", config.evaluate,
                {{"dataset", elsewhere},
                 {"source_dataset", elsewhere},
                 {"output", ""},
                 {"checkpoint", ""},
                 {"baseline", "models"},
                 {"task", "tables"}},
                problems);
  if (!config.check_flags) return;
  const std::vector<std::pair<std::string, const StageFlags*>> given = {
      {"pretrain", &config.pretrain}, {"tune", &config.tune}, {"evaluate", &config.evaluate}};
  for (const auto& [command, flags] : given) {
    for (const std::string& problem : config.check_flags(command, *flags))
      problems.push_back(command + "_flags: " + problem);
  }
}

}  // namespace

std::vector<std::string> ExperimentConfig::Problems() const {
  std::vector<std::string> problems;
  CheckNotEmpty("tables", tables.empty(), "names of tables", problems);
  CheckNames("tables", tables, TableNames(), problems);
  CheckNotEmpty("datasets", datasets.empty(), "NAME=file.h5 or NAME=prepare.flags", problems);
  std::vector<std::string> models;
  for (const std::string& name : rows.models) models.push_back(ModelAlone(name));
  CheckNames("models", models, ModelNames(), problems);
  CheckNotEmpty("bases", rows.bases.empty(), "pre-trained models", problems);
  CheckNames("bases", rows.bases, {"sasrec", "cl4srec", "bert4rec", "gru4rec"}, problems);
  CheckNotEmpty("seeds", seeds.empty(), "whole numbers", problems);
  CheckNotEmpty("ks", rows.shots.empty(), "whole numbers from 1 on", problems);
  CheckNotEmpty("prompt_lengths", rows.prompt_lengths.empty(), "whole numbers from 1 on", problems);
  CheckNotEmpty("learning_rates", learning_rates.empty(), "rates above 0", problems);
  CheckNotEmpty("output", output.empty(), "a folder", problems);
  CheckNotEmpty("program", program.empty(), "the path of ppr", problems);
  if (!printed.empty() && !FileExists(printed)) {
    problems.push_back("printed: expected a CSV file, found nothing at " + printed);
  }
  CheckStageFlags(*this, problems);
  CheckContents(*this, problems);
  return problems;
}

std::vector<std::string> ParseNumbers(const std::string& text, const std::string& flag, int64_t least,
                                      std::vector<std::string>& problems) {
  std::vector<std::string> numbers;
  for (const std::string& part : SplitCommas(text)) {
    int64_t number = 0;
    const char* const end = part.data() + part.size();
    const auto result = std::from_chars(part.data(), end, number);
    if (result.ec != std::errc() || result.ptr != end || number < least) {
      problems.push_back(flag + ": expected whole numbers from " + std::to_string(least) + " on, found \"" +
                         part + "\"");
    } else if (std::find(numbers.begin(), numbers.end(), std::to_string(number)) != numbers.end()) {
      problems.push_back(flag + ": expected each number once, found " + part + " twice");
    } else {
      numbers.push_back(std::to_string(number));
    }
  }
  return numbers;
}

}  // namespace ppr::experiment
