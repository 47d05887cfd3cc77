#include "cli/prepare_flags.h"

#include <gflags/gflags.h>

#include "cli/choice.h"
#include "cli/gflags_bridge.h"
#include "cli/prepare_layout_flags.h"
#include "data/prepare/prepare.h"

DECLARE_string(output);
DECLARE_uint64(seed);
DEFINE_string(
    interactions, "",
    "Click log: .inter (RecBole), .csv, .tsv or .parquet, plain, .gz or .zst; .txt: one user a line");
DEFINE_string(users, "", "Profile table, in the formats of --interactions; none: no profiles");
DEFINE_string(format, "auto", "auto (by file name), atomic, delimited, parquet, user_lines or item_lines");
DEFINE_string(user_column, "user_id", "Column of user ids, in both files");
DEFINE_string(item_column, "item_id", "Column of item ids");
DEFINE_string(time_column, "timestamp",
              "Column of times; empty: the order of the file is the order of clicks");
DEFINE_string(profile_columns, "", "Profile columns to keep, separated by commas; none: all");
DEFINE_string(rating_column, "", "Column of ratings, for --min_rating");
DEFINE_double(min_rating, 0, "Drop rows that are rated lower");
DEFINE_string(ties, "file",
              "Order of clicks of one user at the same time: file (as in the file) or hash (at random by "
              "seed; files sorted by "
              "item leak through ties)");
DEFINE_bool(drop_duplicates, false, "Keep one of rows with the same user, item and time");
DEFINE_int32(min_user_clicks, 1, "Drop users with fewer clicks, until nothing changes");
DEFINE_int32(min_item_clicks, 1, "Drop items with fewer clicks, until nothing changes");
DEFINE_string(
    protocol, "holdout",
    "Which users are cold: threshold (few clicks), holdout (a random share, cut to its first clicks) or "
    "leave_one_out (none; the last click is the test)");
DEFINE_int32(cold_threshold, 10, "threshold: users with fewer clicks are cold");
DEFINE_double(holdout_share, 0.25, "holdout: share of users that become cold");
DEFINE_int32(cold_clicks, 10, "holdout: first clicks that a cold user keeps");
DEFINE_double(cold_train_share, 0.72, "Share of cold users to tune on");
DEFINE_double(cold_dev_share, 0.08,
              "Share of cold users that decide when tuning stops; the rest is for the test");
DEFINE_int32(num_candidates, 99, "Candidates per evaluation case, uniform, never the user's own items");
DEFINE_int64(max_warm_dev_users, 10000, "Warm users whose last click is a validation case of pre-training");
DEFINE_int64(memory_bytes, int64_t{1} << 30,
             "Memory for sorting clicks; more clicks are sorted through files");
DEFINE_string(temporary_folder, "", "Folder for those files; none: beside the output");

namespace ppr::cli {

std::vector<FlagTopic> PrepareTopics() {
  std::vector<FlagTopic> topics = {
      TopicFromGflags("Input and output", {{"interactions"}, {"users"}, {"output"}, {"format"}}),
      TopicFromGflags(
          "Columns",
          {{"user_column"}, {"item_column"}, {"time_column"}, {"profile_columns"}, {"rating_column"}}),
      TopicFromGflags(
          "Rows", {{"min_rating"}, {"ties"}, {"drop_duplicates"}, {"min_user_clicks"}, {"min_item_clicks"}}),
      TopicFromGflags("Protocol", {{"protocol"},
                                   {"cold_threshold"},
                                   {"holdout_share"},
                                   {"cold_clicks"},
                                   {"cold_train_share"},
                                   {"cold_dev_share"},
                                   {"num_candidates"},
                                   {"max_warm_dev_users"},
                                   {"seed"}}),
      TopicFromGflags("Memory", {{"memory_bytes"}, {"temporary_folder"}})};
  for (FlagTopic& topic : PrepareLayoutTopics()) topics.push_back(std::move(topic));
  return topics;
}

data::PrepareConfig PrepareConfigFromFlags(FlagSet& flags) {
  using data::InputFormat;
  data::PrepareConfig config;
  config.interactions = FLAGS_interactions;
  config.users = FLAGS_users;
  config.output = FLAGS_output;
  config.format = Choose<InputFormat>(flags, "format",
                                      {{"auto", InputFormat::kAuto},
                                       {"atomic", InputFormat::kAtomic},
                                       {"delimited", InputFormat::kDelimited},
                                       {"parquet", InputFormat::kParquet},
                                       {"user_lines", InputFormat::kUserLines},
                                       {"item_lines", InputFormat::kItemLines}});
  config.user_column = FLAGS_user_column;
  config.item_column = FLAGS_item_column;
  config.time_column = FLAGS_time_column;
  config.profile_columns = SplitList(FLAGS_profile_columns);
  config.rating_column = FLAGS_rating_column;
  config.min_rating = FLAGS_min_rating;
  config.ties = Choose<data::TieOrder>(flags, "ties",
                                       {{"file", data::TieOrder::kFile}, {"hash", data::TieOrder::kHash}});
  config.drop_duplicates = FLAGS_drop_duplicates;
  config.min_user_clicks = FLAGS_min_user_clicks;
  config.min_item_clicks = FLAGS_min_item_clicks;
  config.protocol = Choose<data::Protocol>(flags, "protocol",
                                           {{"threshold", data::Protocol::kThreshold},
                                            {"holdout", data::Protocol::kHoldout},
                                            {"leave_one_out", data::Protocol::kLeaveOneOut}});
  config.cold_threshold = FLAGS_cold_threshold;
  config.holdout_share = FLAGS_holdout_share;
  config.cold_clicks = FLAGS_cold_clicks;
  config.cold_train_share = FLAGS_cold_train_share;
  config.cold_dev_share = FLAGS_cold_dev_share;
  config.num_candidates = FLAGS_num_candidates;
  config.max_warm_dev_users = FLAGS_max_warm_dev_users;
  config.seed = FLAGS_seed;
  config.memory_bytes = FLAGS_memory_bytes;
  config.temporary_folder = FLAGS_temporary_folder;
  ReadPrepareLayout(flags, &config);
  return config;
}

}  // namespace ppr::cli
