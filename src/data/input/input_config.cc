// Which settings of the layout cannot work.
#include "data/input/input_config.h"

#include <algorithm>
#include <set>

#include "base/findings.h"
#include "data/input/table_files.h"
#include "settings/text_lists.h"

namespace ppr::data {
namespace {

void CheckHeader(const char* flag, const std::vector<std::string>& header, Findings* findings) {
  std::set<std::string> seen;
  for (const std::string& name : header)
    findings->Expect(seen.insert(name).second, flag, "each column once", name + " twice");
}

// Two settings that make sense together alone.
void CheckTogether(const char* a, bool has_a, const char* b, bool has_b, Findings* findings) {
  findings->Expect(!has_a || has_b, a, std::string("--") + b + " beside it", "none");
  findings->Expect(!has_b || has_a, b, std::string("--") + a + " beside it", "none");
}

void CheckRows(const RawLayout& layout, Findings* findings) {
  CheckTogether("action_column", !layout.action_column.empty(), "actions", !layout.actions.empty(), findings);
  findings->Expect(!layout.first_time || !layout.last_time || *layout.first_time <= *layout.last_time,
                   "first_time", "at most --last_time",
                   layout.first_time ? std::to_string(*layout.first_time) : "");
}

void CheckItems(const RawLayout& layout, Findings* findings) {
  CheckTogether("item_filter_column", !layout.item_filter_column.empty(), "item_filter_values",
                !layout.item_filter_values.empty(), findings);
  const bool has_table = !layout.item_table.empty();
  findings->Expect(layout.item_filter_column.empty() || has_table, "item_filter_column",
                   "a table of items beside it (--item_table)", "none");
  findings->Expect(layout.item_table_id_column.empty() || has_table, "item_table_id_column",
                   "a table of items beside it (--item_table)", "none");
}

void CheckBuckets(const InputConfig& config, Findings* findings) {
  std::set<std::string> seen;
  for (const FieldBucket& bucket : config.layout.buckets) {
    findings->Expect(bucket.width >= 1, "buckets", "widths of at least 1", std::to_string(bucket.width));
    findings->Expect(seen.insert(bucket.field).second, "buckets", "each field once", bucket.field + " twice");
    const std::vector<std::string>& columns = config.profile_columns;
    findings->Expect(
        columns.empty() || std::find(columns.begin(), columns.end(), bucket.field) != columns.end(),
        "buckets", "fields of --profile_columns", bucket.field);
  }
}

// Parquet and atomic files name their columns themselves.
void CheckHasNoNames(const InputConfig& config, const char* flag, const std::vector<std::string>& header,
                     const std::string& path, Findings* findings) {
  if (header.empty() || path.empty()) return;
  const TableFormat table = FormatOfTable(config, path);
  findings->Expect(table == TableFormat::kComma || table == TableFormat::kTab, flag,
                   "nothing (" + std::string(flag) + "=), as " + path + " has a header of its own",
                   settings::JoinedList(header));
}

// What only tables have, and what only lines have.
void CheckForm(const InputConfig& config, Findings* findings) {
  const RawLayout& layout = config.layout;
  const InputFormat format = FormatOf(config);
  const std::string name = settings::NameOf(format);
  findings->Expect(
      layout.interactions_header.empty() || format == InputFormat::kDelimited || format == InputFormat::kAuto,
      "interactions_header", "--format=delimited beside it, whose files alone may lack a header", name);
  if (format != InputFormat::kItemLines)
    CheckHasNoNames(config, "users_header", layout.users_header, config.users, findings);
  CheckHasNoNames(config, "item_table_header", layout.item_table_header, layout.item_table, findings);
  RawLayout distinct;  // that one asks nothing of the form of the file
  distinct.distinct_items = layout.distinct_items;
  findings->Expect(format != InputFormat::kUserLines || layout == distinct, "format",
                   "user_lines with none of the settings of raw layouts but --distinct_items", "others");
  findings->Expect(format == InputFormat::kItemLines || layout.targets.empty(), "targets",
                   "--format=item_lines beside it", name);
  if (format != InputFormat::kItemLines) return;
  findings->Expect(layout.action_column.empty() && !layout.first_time && !layout.last_time &&
                       layout.users_id_column.empty() &&
                       (layout.item_from.empty() || !layout.item_table.empty()),
                   "format", "item_lines without columns of actions, times or users", "some");
  const size_t num_files = ProfilePaths(config).size(), num_fields = config.profile_columns.size();
  findings->Expect(num_files == 0 || num_files == num_fields, "users",
                   "one file of labels for each of --profile_columns (" + std::to_string(num_fields) + ")",
                   std::to_string(num_files));
}

}  // namespace

void CheckLayout(const InputConfig& config, Findings* findings) {
  CheckHeader("interactions_header", config.layout.interactions_header, findings);
  CheckHeader("users_header", config.layout.users_header, findings);
  CheckHeader("item_table_header", config.layout.item_table_header, findings);
  CheckRows(config.layout, findings);
  CheckItems(config.layout, findings);
  CheckBuckets(config, findings);
  CheckForm(config, findings);
}

}  // namespace ppr::data
