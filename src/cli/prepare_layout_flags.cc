#include "cli/prepare_layout_flags.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string>

#include "cli/choice.h"
#include "cli/gflags_bridge.h"
#include "data/sources/sources.h"

DEFINE_string(
    source, "none",
    "Raw files of a known data set: none, cikm, cikm_ubp, qqbrowser, aliec or aliad; sets the flags "
    "below and others (docs/datasets.md)");
DEFINE_string(interactions_header, "", "Names of the click log's columns, in order, when it has no header");
DEFINE_string(users_header, "", "The same of the profile table");
DEFINE_string(item_table_header, "", "The same of the table of items");
DEFINE_string(missing_text, "", "Cells of this text are empty (NULL, for example)");
DEFINE_string(users_id_column, "", "Column of user ids in the profile table; none: --user_column");
DEFINE_string(action_column, "", "Column of the click log that says what was done, for --actions");
DEFINE_string(actions, "", "Actions that are clicks, separated by commas; rows with others are dropped");
DEFINE_string(first_time, "", "Drop rows before this time; none: no limit");
DEFINE_string(last_time, "", "Drop rows after this time; none: no limit");
DEFINE_double(user_share, 1, "Share of all users to keep, drawn by a hash of (--seed, user id)");
DEFINE_string(shared_with, "",
              "A dataset file: keep only users that it has (the source domain, for example)");
DEFINE_string(item_table, "",
              "Table of items, in the formats of --interactions; rows of other items are dropped");
DEFINE_string(item_table_id_column, "", "Column of item ids in the table of items; none: --item_column");
DEFINE_string(
    item_from, "",
    "Columns that make up an item, separated by commas: of the table of items if there is one, else of "
    "the click log; none: --item_column");
DEFINE_string(item_filter_column, "", "Column of the table of items, for --item_filter_values");
DEFINE_string(item_filter_values, "", "Kinds of items to keep, separated by commas");
DEFINE_bool(drop_rows_without_item, false, "Drop rows without an item; else they are an error");
DEFINE_bool(distinct_items, false, "Keep only a user's first click on each item");
DEFINE_string(buckets, "", "Profile columns of numbers to make coarse, with widths: age:10,income:1000");
DEFINE_string(targets, "", "item_lines: a second file, whose targets follow the histories of the same users");

namespace ppr::cli {
namespace {

std::optional<int64_t> WholeNumber(const std::string& text) {
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

std::optional<int64_t> TimeOf(FlagSet& flags, const std::string& name) {
  const std::string& text = flags.value(name);
  const std::optional<int64_t> time = WholeNumber(text);
  if (!text.empty() && !time)
    flags.AddProblems({name + ": expected a whole number of 64 bits or nothing, found \"" + text + "\""});
  return time;
}

// "age:10,income:1000".
std::vector<data::FieldBucket> BucketsOf(FlagSet& flags) {
  std::vector<data::FieldBucket> buckets;
  for (const std::string& part : SplitList(FLAGS_buckets)) {
    const size_t colon = part.rfind(':');
    const std::optional<int64_t> width =
        colon == std::string::npos ? std::nullopt : WholeNumber(part.substr(colon + 1));
    if (!width || colon == 0) {
      flags.AddProblems({"buckets: expected field:width, found \"" + part + "\""});
    } else {
      buckets.push_back({part.substr(0, colon), *width});
    }
  }
  return buckets;
}

// What decides an open choice of `source` and has another value than under the source alone.
std::map<std::string, std::string> OverruledFlags(const FlagSet& flags, const data::Source& source) {
  std::map<std::string, std::string> overruled;
  for (const data::OpenChoice& choice : source.open_choices) {
    for (const std::string& flag : choice.flags) {
      const auto setting = std::find_if(source.settings.begin(), source.settings.end(),
                                        [&](const auto& one) { return one.first == flag; });
      const std::string& own = setting != source.settings.end() ? setting->second : flags.default_value(flag);
      if (flags.value(flag) != own) overruled[flag] = flags.value(flag);
    }
  }
  return overruled;
}

}  // namespace

std::vector<FlagTopic> PrepareLayoutTopics() {
  return {TopicFromGflags("Raw files of known data sets", {{"source"}}),
          TopicFromGflags("Raw files that are no plain tables", {{"interactions_header"},
                                                                 {"users_header"},
                                                                 {"item_table_header"},
                                                                 {"missing_text"},
                                                                 {"users_id_column"},
                                                                 {"action_column"},
                                                                 {"actions"},
                                                                 {"first_time"},
                                                                 {"last_time"},
                                                                 {"buckets"},
                                                                 {"targets"}}),
          TopicFromGflags("Users and items", {{"user_share"},
                                              {"shared_with"},
                                              {"item_table"},
                                              {"item_table_id_column"},
                                              {"item_from"},
                                              {"item_filter_column"},
                                              {"item_filter_values"},
                                              {"drop_rows_without_item"},
                                              {"distinct_items"}})};
}

void ReadPrepareLayout(FlagSet& flags, data::PrepareConfig* config) {
  config->source = FLAGS_source == "none" ? "" : FLAGS_source;
  if (const data::Source* source = data::FindSource(config->source))
    config->open_choices = data::OpenChoicesTaken(*source, OverruledFlags(flags, *source));
  data::RawLayout& layout = config->layout;
  layout.interactions_header = SplitList(FLAGS_interactions_header);
  layout.users_header = SplitList(FLAGS_users_header);
  layout.item_table_header = SplitList(FLAGS_item_table_header);
  layout.missing_text = FLAGS_missing_text;
  layout.users_id_column = FLAGS_users_id_column;
  layout.action_column = FLAGS_action_column;
  layout.actions = SplitList(FLAGS_actions);
  layout.first_time = TimeOf(flags, "first_time");
  layout.last_time = TimeOf(flags, "last_time");
  layout.user_share = FLAGS_user_share;
  layout.shared_with = FLAGS_shared_with;
  layout.item_table = FLAGS_item_table;
  layout.item_table_id_column = FLAGS_item_table_id_column;
  layout.item_from = SplitList(FLAGS_item_from);
  layout.item_filter_column = FLAGS_item_filter_column;
  layout.item_filter_values = SplitList(FLAGS_item_filter_values);
  layout.drop_rows_without_item = FLAGS_drop_rows_without_item;
  layout.distinct_items = FLAGS_distinct_items;
  layout.buckets = BucketsOf(flags);
  layout.targets = FLAGS_targets;
}

void ApplySource(FlagSet& flags) {
  std::vector<std::pair<std::string, const data::Source*>> sources = {{"none", nullptr}};
  for (const data::Source& source : data::Sources()) sources.emplace_back(source.name, &source);
  const data::Source* source = Choose(flags, "source", sources);
  if (source != nullptr) flags.ApplyPreset("source " + source->name, source->settings);
}

}  // namespace ppr::cli
