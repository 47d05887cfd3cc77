// Which settings of the layout cannot work.
#include "data/input/input_config.h"

#include <algorithm>
#include <set>

#include "data/input/table_files.h"

namespace ppr::data {
namespace {

void CheckHeader(const char* flag, const std::vector<std::string>& header, ProblemList* list) {
  std::set<std::string> seen;
  for (const std::string& name : header) {
    list->Require(seen.insert(name).second,
                  std::string(flag) + ": expected each column once, found " + name + " twice");
  }
}

void CheckRows(const RawLayout& layout, ProblemList* list) {
  list->Require(layout.action_column.empty() == layout.actions.empty(),
                layout.actions.empty() ? "--action_column: given without --actions"
                                       : "--actions: given without --action_column");
  list->Require(!layout.first_time || !layout.last_time || *layout.first_time <= *layout.last_time,
                "--first_time: expected at most --last_time");
  list->Expect(layout.user_share > 0 && layout.user_share <= 1, "--user_share", "a number above 0, at most 1",
               layout.user_share);
}

void CheckItems(const RawLayout& layout, ProblemList* list) {
  list->Require(layout.item_filter_column.empty() == layout.item_filter_values.empty(),
                layout.item_filter_values.empty()
                    ? "--item_filter_column: given without --item_filter_values"
                    : "--item_filter_values: given without --item_filter_column");
  list->Require(layout.item_filter_column.empty() || !layout.item_table.empty(),
                "--item_filter_column: given without a table of items; set --item_table");
  list->Require(layout.item_table_id_column.empty() || !layout.item_table.empty(),
                "--item_table_id_column: given without a table of items; set --item_table");
}

void CheckBuckets(const InputConfig& config, ProblemList* list) {
  std::set<std::string> seen;
  for (const FieldBucket& bucket : config.layout.buckets) {
    list->Expect(bucket.width >= 1, "--buckets", "widths of at least 1", bucket.width);
    list->Require(seen.insert(bucket.field).second,
                  "--buckets: expected each field once, found " + bucket.field + " twice");
    const std::vector<std::string>& columns = config.profile_columns;
    list->Require(columns.empty() || std::find(columns.begin(), columns.end(), bucket.field) != columns.end(),
                  "--buckets: expected fields of --profile_columns, found " + bucket.field);
  }
}

// Parquet and atomic files name their columns themselves.
void CheckHasNoNames(const InputConfig& config, const char* flag, const std::vector<std::string>& header,
                     const std::string& path, ProblemList* list) {
  if (header.empty() || path.empty()) return;
  const TableFormat table = FormatOfTable(config, path);
  list->Require(table == TableFormat::kComma || table == TableFormat::kTab,
                std::string(flag) + ": " + path + " has a header of its own; leave the flag empty (" + flag +
                    "=) to use it");
}

// What only tables have, and what only lines have.
void CheckForm(const InputConfig& config, ProblemList* list) {
  const RawLayout& layout = config.layout;
  const InputFormat format = FormatOf(config);
  list->Require(
      layout.interactions_header.empty() || format == InputFormat::kDelimited || format == InputFormat::kAuto,
      "--interactions_header: only files of --format=delimited may lack a header");
  if (format != InputFormat::kItemLines)
    CheckHasNoNames(config, "--users_header", layout.users_header, config.users, list);
  CheckHasNoNames(config, "--item_table_header", layout.item_table_header, layout.item_table, list);
  RawLayout distinct;  // that one asks nothing of the form of the file
  distinct.distinct_items = layout.distinct_items;
  list->Require(format != InputFormat::kUserLines || layout == distinct,
                "--format=user_lines: takes none of the settings of raw layouts but --distinct_items");
  list->Require(format == InputFormat::kItemLines || layout.targets.empty(),
                "--targets: given without --format=item_lines");
  if (format != InputFormat::kItemLines) return;
  list->Require(layout.action_column.empty() && !layout.first_time && !layout.last_time &&
                    layout.users_id_column.empty() &&
                    (layout.item_from.empty() || !layout.item_table.empty()),
                "--format=item_lines: there are no columns of actions, times or users");
  const size_t num_files = ProfilePaths(config).size(), num_fields = config.profile_columns.size();
  list->Require(num_files == 0 || num_files == num_fields,
                "--users: expected one file of labels for each of --profile_columns (" +
                    std::to_string(num_fields) + "), found " + std::to_string(num_files));
}

}  // namespace

void CheckLayout(const InputConfig& config, ProblemList* list) {
  CheckHeader("--interactions_header", config.layout.interactions_header, list);
  CheckHeader("--users_header", config.layout.users_header, list);
  CheckHeader("--item_table_header", config.layout.item_table_header, list);
  CheckRows(config.layout, list);
  CheckItems(config.layout, list);
  CheckBuckets(config, list);
  CheckForm(config, list);
}

}  // namespace ppr::data
