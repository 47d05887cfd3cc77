#include "experiment/experiment_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "base/durable_file.h"
#include "base/nearest_name.h"
#include "experiment/given_flags.h"
#include "settings/text_lists.h"

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

// Whether a name of --models has a row in a requested table.
bool HasRow(const ExperimentConfig& config, const std::string& model) {
  RowSettings alone = config.rows;
  alone.models = {model};
  for (const std::string& name : config.tables) {
    for (const DatasetSpec& dataset : config.datasets) {
      const TableSpec& table = *FindTable(name);
      if (dataset.crosses_domains() != table.crosses_domains) continue;
      if (!RowsOf(table, dataset.name, alone).empty()) return true;
    }
  }
  return false;
}

// A name that is passed over in silence would be missed only in the report.
void CheckModels(const ExperimentConfig& config, Problems& problems) {
  std::vector<std::string> models;
  std::set<std::string> seen;
  for (const std::string& name : config.rows.models) {
    if (!seen.insert(name).second) {
      problems.push_back("models: expected each name once, found " + name + " twice");
    } else if (std::find(models.begin(), models.end(), ModelAlone(name)) == models.end()) {
      models.push_back(ModelAlone(name));
    }
  }
  CheckNames("models", models, ModelNames(), problems);
  const auto known = [](const std::string& table) { return FindTable(table) != nullptr; };
  const bool has_tables = !config.tables.empty() && !config.datasets.empty() &&
                          std::all_of(config.tables.begin(), config.tables.end(), known);
  if (!has_tables) return;
  for (const std::string& name : seen) {
    const std::vector<std::string> names = ModelNames();
    const bool is_model = std::find(names.begin(), names.end(), ModelAlone(name)) != names.end();
    if (!is_model || HasRow(config, name)) continue;
    problems.push_back("models: " + name + " has no row in these --tables with these --datasets");
  }
}

// "occupation" and "AliEC:occupation" are one field of AliEC.
void CheckFields(const ExperimentConfig& config, Problems& problems) {
  std::set<std::string> twice;
  for (const DatasetSpec& dataset : config.datasets) {
    std::set<std::string> seen;
    for (const std::string& field : FieldsOf(dataset.name, config.rows)) {
      if (!seen.insert(field).second) twice.insert(field);
    }
  }
  for (const std::string& field : twice)
    problems.push_back("predict_fields: expected each field of a dataset once, found " + field + " twice");
}

void CheckSplits(const ExperimentConfig& config, Problems& problems) {
  if (!config.split_by_seed) return;
  for (const DatasetSpec& dataset : config.datasets) {
    for (const std::string& path : dataset.paths) {
      if (IsFlagFile(path)) continue;
      problems.push_back("split_by_seed: expected flags of ppr prepare for " + dataset.name +
                         ", so that each seed splits its users anew; found " + path +
                         ", which is split already; leave out --split_by_seed or give NAME=prepare.flags");
    }
  }
}

// Stages that each took all cores would be many times slower than one after another.
void CheckParallel(const ExperimentConfig& config, Problems& problems) {
  const std::string count = std::to_string(config.parallel_stages);
  if (config.parallel_stages < 1) problems.push_back("parallel_stages: expected 1 or more, found " + count);
  if (config.parallel_stages <= 1) return;
  const std::array<std::pair<const char*, const StageFlags*>, 3> kinds = {
      {{"pretrain_flags", &config.pretrain},
       {"tune_flags", &config.tune},
       {"evaluate_flags", &config.evaluate}}};
  for (const auto& [flag, given] : kinds) {
    if (given->contains("threads")) continue;
    problems.push_back(std::string(flag) + ": expected --threads=N, each stage's part of the cores, beside " +
                       "--parallel_stages=" + count + "; found none, with which each stage takes all cores");
  }
}

}  // namespace

std::vector<std::string> ExperimentConfig::Problems() const {
  std::vector<std::string> problems;
  CheckNotEmpty("tables", tables.empty(), "names of tables", problems);
  CheckNames("tables", tables, TableNames(), problems);
  CheckNotEmpty("datasets", datasets.empty(), "NAME=file.h5 or NAME=prepare.flags", problems);
  CheckModels(*this, problems);
  CheckNotEmpty("bases", rows.bases.empty(), "pre-trained models", problems);
  CheckNames("bases", rows.bases, {"sasrec", "cl4srec", "bert4rec", "gru4rec"}, problems);
  CheckNotEmpty("seeds", seeds.empty(), "whole numbers", problems);
  CheckNotEmpty("ks", rows.shots.empty(), "whole numbers from 1 on", problems);
  CheckFields(*this, problems);
  CheckNotEmpty("prompt_lengths", rows.prompt_lengths.empty(), "whole numbers from 1 on", problems);
  CheckNotEmpty("learning_rates", learning_rates.empty(), "rates above 0", problems);
  CheckNotEmpty("output", output.empty(), "a folder", problems);
  CheckNotEmpty("program", program.empty(), "the path of ppr", problems);
  CheckParallel(*this, problems);
  if (!printed.empty() && !FileExists(printed)) {
    problems.push_back("printed: expected a CSV file, found nothing at " + printed);
  }
  CheckSplits(*this, problems);
  const std::vector<std::string> given = ProblemsOfGivenFlags(*this);
  problems.insert(problems.end(), given.begin(), given.end());
  CheckContents(*this, problems);
  return problems;
}

std::vector<std::string> ExperimentConfig::Notes() const {
  std::vector<std::string> notes;
  for (const std::string& field : rows.predict_fields) {
    const size_t colon = field.find(':');
    if (colon == std::string::npos || !Shows(*this, TableKind::kProfile)) continue;
    const bool known = std::any_of(datasets.begin(), datasets.end(), [&](const DatasetSpec& dataset) {
      return dataset.name == field.substr(0, colon);
    });
    if (!known) notes.push_back("Field " + field + " is not predicted: no dataset has that name.");
  }
  return notes;
}

bool Shows(const ExperimentConfig& config, TableKind kind) {
  return std::any_of(config.tables.begin(), config.tables.end(), [&](const std::string& name) {
    const TableSpec* const table = FindTable(name);
    return table != nullptr && table->kind == kind;
  });
}

std::vector<LearningRate> ScratchRates(const ExperimentConfig& config) {
  return FreshOnly(config.scratch_learning_rates.empty() ? config.learning_rates
                                                         : config.scratch_learning_rates);
}

std::vector<std::string> ParseNumbers(const std::string& text, const std::string& flag, int64_t least,
                                      std::vector<std::string>& problems) {
  std::vector<std::string> numbers;
  for (const std::string& part : settings::SplitList(text)) {
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
