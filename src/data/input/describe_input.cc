// The settings of raw files: names, meanings and limits (settings/settings.h).
#include <charconv>
#include <optional>

#include "data/input/input_config.h"
#include "settings/text_lists.h"

namespace ppr::data {
namespace {

using settings::Settings;

std::optional<int64_t> WholeNumber(const std::string& text) {
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

void AddTime(Settings& settings, std::optional<int64_t>* time, const std::string& flag,
             const std::string& help) {
  settings.AddText(time,
                   {.get = [time] { return *time ? std::to_string(**time) : ""; },
                    .set =
                        [time](const std::string& text) {
                          *time = WholeNumber(text);
                          return text.empty() || *time
                                     ? std::string()
                                     : "expected a whole number of 64 bits or nothing, found \"" + text +
                                           "\"";
                        }},
                   {.flag = flag, .help = help});
}

// "age:10,income:1000"; what is no bucket is left out and reported.
std::string ParseBuckets(const std::string& text, std::vector<FieldBucket>* buckets) {
  buckets->clear();
  std::string problem;
  for (const std::string& part : settings::SplitList(text)) {
    const size_t colon = part.rfind(':');
    const std::optional<int64_t> width =
        colon == std::string::npos ? std::nullopt : WholeNumber(part.substr(colon + 1));
    if (!width || colon == 0) {
      problem = "expected field:width, found \"" + part + "\"";
    } else {
      buckets->push_back({part.substr(0, colon), *width});
    }
  }
  return problem;
}

std::string BucketsText(const std::vector<FieldBucket>& buckets) {
  std::vector<std::string> parts;
  for (const FieldBucket& bucket : buckets)
    parts.push_back(bucket.field + ":" + std::to_string(bucket.width));
  return settings::JoinedList(parts);
}

void DescribeHeaders(Settings& settings, RawLayout& layout) {
  settings.Add(&layout.interactions_header,
               {.flag = "interactions_header",
                .help = "Names of the click log's columns, in order, when it has no header"});
  settings.Add(&layout.users_header, {.flag = "users_header", .help = "The same of the profile table"});
  settings.Add(&layout.item_table_header,
               {.flag = "item_table_header", .help = "The same of the table of items"});
  settings.Add(&layout.missing_text,
               {.flag = "missing_text", .help = "Cells of this text are empty (NULL, for example)"});
  settings.Add(
      &layout.users_id_column,
      {.flag = "users_id_column", .help = "Column of user ids in the profile table; none: --user_column"});
}

void DescribeActions(Settings& settings, RawLayout& layout) {
  settings.Add(
      &layout.action_column,
      {.flag = "action_column", .help = "Column of the click log that says what was done, for --actions"});
  settings.Add(&layout.actions,
               {.flag = "actions",
                .help = "Actions that are clicks, separated by commas; rows with others are dropped"});
  AddTime(settings, &layout.first_time, "first_time", "Drop rows before this time; none: no limit");
  AddTime(settings, &layout.last_time, "last_time", "Drop rows after this time; none: no limit");
  settings.AddText(
      &layout.buckets,
      {.get = [&layout] { return BucketsText(layout.buckets); },
       .set = [&layout](const std::string& text) { return ParseBuckets(text, &layout.buckets); }},
      {.flag = "buckets",
       .help = "Profile columns of numbers to make coarse, with widths: age:10,income:1000"});
  settings.Add(&layout.targets,
               {.flag = "targets",
                .help = "item_lines: a second file, whose targets follow the histories of the same users"});
}

void DescribeUsersAndItems(Settings& settings, RawLayout& layout) {
  settings.Add(
      &layout.user_share,
      {.flag = "user_share",
       .help = "Share of all users to keep, drawn by a hash of (--seed, user id)",
       .limits = settings::Limits{
           .expected = "a number above 0, at most 1", .least = 0, .most = 1, .least_is_open = true}});
  settings.Add(&layout.shared_with,
               {.flag = "shared_with",
                .help = "A dataset file: keep only users that it has (the source domain, for example)"});
  settings.Add(&layout.item_table,
               {.flag = "item_table",
                .help = "Table of items, in the formats of --interactions; rows of other items are dropped"});
  settings.Add(&layout.item_table_id_column,
               {.flag = "item_table_id_column",
                .help = "Column of item ids in the table of items; none: --item_column"});
  settings.Add(
      &layout.item_from,
      {.flag = "item_from",
       .help = "Columns that make up an item, separated by commas: of the table of items if there is one, "
               "else of the click log; none: --item_column"});
  settings.Add(
      &layout.item_filter_column,
      {.flag = "item_filter_column", .help = "Column of the table of items, for --item_filter_values"});
  settings.Add(&layout.item_filter_values,
               {.flag = "item_filter_values", .help = "Kinds of items to keep, separated by commas"});
  settings.Add(&layout.drop_rows_without_item, {.flag = "drop_rows_without_item",
                                                .help = "Drop rows without an item; else they are an error"});
  settings.Add(&layout.distinct_items,
               {.flag = "distinct_items", .help = "Keep only a user's first click on each item"});
}

}  // namespace

const settings::NameTable<InputFormat>& NamesOf(InputFormat) {
  static const settings::NameTable<InputFormat> names = {{"auto", InputFormat::kAuto},
                                                         {"atomic", InputFormat::kAtomic},
                                                         {"delimited", InputFormat::kDelimited},
                                                         {"parquet", InputFormat::kParquet},
                                                         {"user_lines", InputFormat::kUserLines},
                                                         {"item_lines", InputFormat::kItemLines}};
  return names;
}

void DescribeTables(Settings& settings, InputConfig& config) {
  settings.Add(
      &config.interactions,
      {.flag = "interactions",
       .help = "Click log: .inter (RecBole), .csv, .tsv or .parquet, plain, .gz or .zst; .txt: one user a "
               "line",
       .required = "the path of the click log"});
  settings.Add(&config.users, {.flag = "users",
                               .help = "Profile table, in the formats of --interactions; none: no profiles"});
}

void DescribeFormat(Settings& settings, InputConfig& config) {
  settings.Add(&config.format,
               {.flag = "format",
                .help = "auto (by file name), atomic, delimited, parquet, user_lines or item_lines"});
}

void DescribeColumns(Settings& settings, InputConfig& config) {
  settings.Add(&config.user_column,
               {.flag = "user_column", .help = "Column of user ids, in both files", .required = "a name"});
  settings.Add(&config.item_column,
               {.flag = "item_column", .help = "Column of item ids", .required = "a name"});
  settings.Add(&config.time_column,
               {.flag = "time_column",
                .help = "Column of times; empty: the order of the file is the order of clicks"});
  settings.Add(&config.profile_columns, {.flag = "profile_columns",
                                         .help = "Profile columns to keep, separated by commas; none: all"});
  settings.Add(&config.rating_column,
               {.flag = "rating_column", .help = "Column of ratings, for --min_rating"});
}

void DescribeMinRating(Settings& settings, InputConfig& config) {
  settings.Add(&config.min_rating, {.flag = "min_rating", .help = "Drop rows that are rated lower"});
}

void Describe(Settings& settings, RawLayout& layout) {
  settings.Topic("Raw files that are no plain tables");
  DescribeHeaders(settings, layout);
  DescribeActions(settings, layout);
  settings.Topic("Users and items");
  DescribeUsersAndItems(settings, layout);
}

}  // namespace ppr::data
