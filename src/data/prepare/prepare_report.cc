#include "data/prepare/prepare_report.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/text_format.h"
#include "data/dataset_layout.h"
#include "data/input/table_files.h"

namespace ppr::data {
namespace {

using Json = nlohmann::ordered_json;

const char* NameOf(InputFormat format) {
  switch (format) {
    case InputFormat::kAuto:
      return "auto";
    case InputFormat::kAtomic:
      return "atomic";
    case InputFormat::kDelimited:
      return "delimited";
    case InputFormat::kParquet:
      return "parquet";
    case InputFormat::kUserLines:
      return "user_lines";
    case InputFormat::kItemLines:
      return "item_lines";
  }
  return "?";
}

struct LayoutDrop {
  const char* name;     // in the provenance record
  const char* meaning;  // in the report
  int64_t rows;
};

std::vector<LayoutDrop> LayoutDrops(const PrepareReport& report) {
  const DroppedRows& dropped = report.dropped;
  return {{"action", "another action", dropped.action},
          {"user", "another user", dropped.user},
          {"time", "outside the time window", dropped.time},
          {"item", "no item", dropped.no_item},
          {"item_filter", "another kind of item", dropped.item_filter},
          {"repeated_line", "repeated lines", dropped.repeated_line},
          {"later_click", "not the first of its item", report.rows_dropped_later_click}};
}

// "cate/brand" for an item that is made of columns.
std::string ItemDefinition(const PrepareConfig& config) {
  std::string definition;
  for (const std::string& part : config.layout.item_from)
    definition += (definition.empty() ? "" : "/") + part;
  return definition.empty() ? config.item_column : definition;
}

// How raw files were read that are no plain tables; only what differs from a plain table.
Json LayoutJson(const PrepareConfig& config) {
  const RawLayout &layout = config.layout, plain;
  Json json = {{"source", config.source}, {"item", ItemDefinition(config)}};
  const auto add = [&json](const char* name, const auto& value, const auto& plain_value) {
    if (value != plain_value) json[name] = value;
  };
  const auto add_time = [&json](const char* name, const std::optional<int64_t>& time) {
    if (time) json[name] = *time;
  };
  add("interactions_header", layout.interactions_header, plain.interactions_header);
  add("users_header", layout.users_header, plain.users_header);
  add("item_table_header", layout.item_table_header, plain.item_table_header);
  add("missing_text", layout.missing_text, plain.missing_text);
  add("users_id_column", layout.users_id_column, plain.users_id_column);
  add("action_column", layout.action_column, plain.action_column);
  add("actions", layout.actions, plain.actions);
  add_time("first_time", layout.first_time);
  add_time("last_time", layout.last_time);
  add("user_share", layout.user_share, plain.user_share);
  add("item_table_id_column", layout.item_table_id_column, plain.item_table_id_column);
  add("item_filter_column", layout.item_filter_column, plain.item_filter_column);
  add("item_filter_values", layout.item_filter_values, plain.item_filter_values);
  add("distinct_items", layout.distinct_items, plain.distinct_items);
  add("drop_rows_without_item", layout.drop_rows_without_item, plain.drop_rows_without_item);
  for (const FieldBucket& bucket : layout.buckets) json["buckets"][bucket.field] = bucket.width;
  if (!config.open_choices.empty()) json["open_choices"] = config.open_choices;
  return json;
}

Json InputsJson(const PrepareConfig& config, bool has_times, const std::vector<InputFile>& files,
                const Dataset& dataset) {
  Json inputs = Json::array();
  for (const InputFile& file : files) {
    inputs.push_back({{"role", file.role},
                      {"name", std::filesystem::path(file.path).filename().string()},
                      {"size_bytes", file.size_bytes},
                      {"xxh3_128", file.digest}});
  }
  Json fields = Json::array();
  for (const ProfileField& field : dataset.fields) fields.push_back(field.name);
  return {{"files", inputs},
          {"format", NameOf(FormatOf(config))},
          {"columns",
           {{"user", config.user_column},
            {"item", ItemDefinition(config)},
            {"time", has_times ? config.time_column : ""},
            {"rating", config.rating_column},
            {"profile", fields}}}};
}

Json SettingsJson(const PrepareConfig& config, bool has_times) {
  Json settings = {
      {"seed", config.seed},
      {"order", has_times ? config.ties == TieOrder::kHash ? "time, then hash" : "time, then file" : "file"},
      {"drop_duplicates", config.drop_duplicates},
      {"min_user_clicks", config.min_user_clicks},
      {"min_item_clicks", config.min_item_clicks},
      {"num_candidates", config.num_candidates}};
  if (!config.rating_column.empty()) settings["min_rating"] = config.min_rating;
  if (config.protocol == Protocol::kLeaveOneOut) return settings;
  if (config.protocol == Protocol::kThreshold) settings["cold_threshold"] = config.cold_threshold;
  if (config.protocol == Protocol::kHoldout) {
    settings["holdout_share"] = config.holdout_share;
    settings["cold_clicks"] = config.cold_clicks;
  }
  settings["cold_train_share"] = config.cold_train_share;
  settings["cold_dev_share"] = config.cold_dev_share;
  settings["max_warm_dev_users"] = config.max_warm_dev_users;
  return settings;
}

Json RowsDroppedJson(const PrepareConfig& config, const PrepareReport& report) {
  Json rows = {{"missing", report.dropped.missing},
               {"rating", report.dropped.rating},
               {"duplicate", report.rows_dropped_duplicate},
               {"core", report.rows_dropped_core},
               {"cropped", report.rows_dropped_cropped}};
  if (config.layout.is_plain() && FormatOf(config) != InputFormat::kItemLines) return rows;
  for (const LayoutDrop& drop : LayoutDrops(report)) rows[drop.name] = drop.rows;
  return rows;
}

Json CountsJson(const PrepareConfig& config, const PrepareReport& report, const Dataset& dataset) {
  return {{"rows_read", report.rows_read},
          {"rows_kept", report.rows_kept},
          {"rows_dropped", RowsDroppedJson(config, report)},
          {"duplicates", report.duplicates},
          {"tied_rows", report.tied_rows},
          {"cold_tied_rows", report.cold_tied_rows},
          {"users", report.users},
          {"items", report.items},
          {"warm_users", report.warm_users},
          {"cold_train_users", report.cold_train_users},
          {"cold_dev_users", report.cold_dev_users},
          {"cold_test_users", report.cold_test_users},
          {"users_without_profile", report.users_without_profile},
          {"profiles_without_clicks", report.profiles_without_clicks},
          {"repeated_profiles", report.repeated_profiles},
          {"cases", dataset.cases.size()}};
}

std::string Line(const char* name, int64_t value) {
  return Format("  %-34s %14s\n", name, WithThousands(value).c_str());
}

}  // namespace

std::string ProvenanceJson(const PrepareConfig& config, const PrepareReport& report, bool has_times,
                           const std::vector<InputFile>& files, const Dataset& dataset) {
  Json provenance = {{"format_version", layout::kFormatVersion},
                     {"input", InputsJson(config, has_times, files, dataset)},
                     {"protocol", layout::NameOf(config.protocol)},
                     {"settings", SettingsJson(config, has_times)},
                     {"counts", CountsJson(config, report, dataset)},
                     {"cases_digest", dataset.cases.digest}};
  if (!config.layout.is_plain() || !config.source.empty()) provenance["layout"] = LayoutJson(config);
  // File and column names may hold any bytes; JSON may not.
  return provenance.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string LayoutDropsText(const PrepareReport& report) {
  std::string text;
  for (const LayoutDrop& drop : LayoutDrops(report)) {
    if (drop.rows > 0) text += std::string(", ") + drop.meaning + ": " + WithThousands(drop.rows);
  }
  return text;
}

std::string PrepareReport::ToText() const {
  std::string text = "Rows\n";
  text += Line("read", rows_read) + Line("kept", rows_kept);
  for (const LayoutDrop& drop : LayoutDrops(*this)) {
    if (drop.rows > 0) text += Line((std::string("dropped: ") + drop.meaning).c_str(), drop.rows);
  }
  text += Line("dropped: no time or rating", dropped.missing) +
          Line("dropped: rating too low", dropped.rating) +
          Line("dropped: duplicates", rows_dropped_duplicate) +
          Line("dropped: few clicks (k-core)", rows_dropped_core) +
          Line("dropped: past a cold user's first", rows_dropped_cropped) +
          Line("repeat a (user, item, time)", duplicates) + Line("share user and time (ties)", tied_rows) +
          Line("of these, of cold users", cold_tied_rows);
  text += "Users\n";
  text += Line("all", users) + Line("warm", warm_users) + Line("cold train", cold_train_users) +
          Line("cold dev", cold_dev_users) + Line("cold test", cold_test_users) +
          Line("without a profile", users_without_profile) +
          Line("profiles without clicks", profiles_without_clicks) +
          Line("repeated profiles (first counts)", repeated_profiles);
  text += Line("Items", items).substr(2) + Format("Prepared in %.1f s\n", seconds);
  return text;
}

}  // namespace ppr::data
