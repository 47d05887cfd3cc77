// Which settings of `ppr prepare` cannot work.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "data/input/problem_list.h"
#include "data/input/table_files.h"
#include "data/prepare/prepare.h"

namespace ppr::data {
namespace {

bool IsShare(double value) { return value >= 0 && value <= 1; }  // false for NaN

// However the paths are spelled.
bool IsSameFile(const std::string& a, const std::string& b) {
  std::error_code error;
  return a == b || std::filesystem::equivalent(a, b, error);
}

void CheckFiles(const PrepareConfig& config, ProblemList* list) {
  list->Require(!config.interactions.empty(),
                "--interactions: expected the path of the click log, found nothing");
  list->Require(!config.output.empty(), "--output: expected the path of the dataset to write, found nothing");
  std::vector<std::string> inputs = ProfilePaths(config);
  inputs.insert(inputs.end(), {config.interactions, config.layout.item_table, config.layout.targets,
                               config.layout.shared_with});
  const auto overwritten = std::find_if(inputs.begin(), inputs.end(), [&](const std::string& input) {
    return IsSameFile(input, config.output);
  });
  list->Require(config.output.empty() || overwritten == inputs.end(),
                "--output: expected another file than the inputs, found " + config.output);
  list->Require(
      config.interactions.empty() || FormatOf(config) != InputFormat::kAuto,
      "--format: the name " + config.interactions +
          " does not tell the format; expected one of atomic, delimited, parquet, user_lines, item_lines");
  list->Require(config.users.empty() || config.interactions != config.users,
                "--users: expected another file than --interactions, found " + config.users);
}

void CheckColumns(const PrepareConfig& config, ProblemList* list) {
  list->Require(!config.user_column.empty(), "--user_column: expected a name, found nothing");
  list->Require(!config.item_column.empty(), "--item_column: expected a name, found nothing");
  const InputFormat format = FormatOf(config);
  const bool by_line = format == InputFormat::kUserLines || format == InputFormat::kItemLines;
  std::set<std::string> seen;
  for (const std::string& name :
       {config.user_column, config.item_column, config.time_column, config.rating_column}) {
    list->Require(
        name.empty() || seen.insert(name).second,
        "columns: expected different columns for user, item, time and rating, found " + name + " twice");
  }
  seen.clear();
  for (const std::string& name : config.profile_columns) {
    list->Require(!name.empty(), "--profile_columns: expected names, found an empty one");
    list->Require(seen.insert(name).second,
                  "--profile_columns: expected each column once, found " + name + " twice");
    list->Require(name != config.user_column,
                  "--profile_columns: expected profile columns, found the user column " + name);
  }
  // A source names the columns whether or not the table is at hand.
  list->Require(config.profile_columns.empty() || !config.users.empty() || !config.source.empty(),
                "--profile_columns: given without a profile table; set --users");
  list->Require(!by_line || config.rating_column.empty(),
                "--rating_column: files of user lines have no ratings");
  list->Require(
      config.ties == TieOrder::kFile || (!by_line && !config.time_column.empty()),
      "--ties=hash: without times it would shuffle whole histories; use --ties=file or set --time_column");
  list->Require(std::isfinite(config.min_rating),
                "--min_rating: expected a finite number, found " + std::to_string(config.min_rating));
  list->Require(config.min_rating == 0 || !config.rating_column.empty(),
                "--min_rating: given without --rating_column");
}

void CheckProtocol(const PrepareConfig& config, ProblemList* list) {
  list->Expect(config.cold_threshold >= 2, "--cold_threshold", "at least 2", config.cold_threshold);
  list->Expect(config.holdout_share > 0 && config.holdout_share <= 1, "--holdout_share",
               "a number above 0, at most 1", config.holdout_share);
  list->Expect(config.cold_clicks >= 1, "--cold_clicks", "at least 1", config.cold_clicks);
  list->Expect(config.min_user_clicks >= 1, "--min_user_clicks", "at least 1", config.min_user_clicks);
  list->Expect(config.min_item_clicks >= 1, "--min_item_clicks", "at least 1", config.min_item_clicks);
  list->Expect(IsShare(config.cold_train_share), "--cold_train_share", "a number from 0 to 1",
               config.cold_train_share);
  list->Expect(IsShare(config.cold_dev_share), "--cold_dev_share", "a number from 0 to 1",
               config.cold_dev_share);
  list->Expect(config.cold_train_share + config.cold_dev_share <= 1, "--cold_train_share + --cold_dev_share",
               "at most 1", config.cold_train_share + config.cold_dev_share);
  list->Expect(config.num_candidates >= 1, "--num_candidates", "at least 1", config.num_candidates);
  list->Expect(config.max_warm_dev_users >= 0, "--max_warm_dev_users", "at least 0",
               config.max_warm_dev_users);
  list->Expect(config.memory_bytes >= 1, "--memory_bytes", "at least 1", config.memory_bytes);
  list->Expect(config.num_threads >= 0, "--num_threads", "at least 0 (0 = one per core)", config.num_threads);
}

}  // namespace

std::vector<std::string> PrepareConfig::Problems() const {
  ProblemList list;
  CheckFiles(*this, &list);
  CheckColumns(*this, &list);
  CheckLayout(*this, &list);
  CheckProtocol(*this, &list);
  return list.problems;
}

}  // namespace ppr::data
