// Raw logs and profiles in, dataset.h5 out: import, order, split, candidates, report.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/input/raw_layout.h"

namespace ppr::data {

enum class InputFormat {
  kAuto,    // by file name: .inter -> atomic, .csv, .tsv, .parquet (each also .gz, .zst), .txt -> user lines
  kAtomic,  // RecBole atomic files: tab-separated, header "name:type"
  kDelimited,  // CSV or TSV with a header
  kParquet,
  kUserLines,  // SASRec / S3-Rec text: one user a line, "user item item ..."
  kItemLines,  // ColdRec text: one user a line, "item,item,..." or "item,item,...,,target,..."
};

enum class TieOrder { kFile, kHash };  // order of clicks of one user at one time

struct PrepareConfig {
  std::string interactions;  // path of the click log
  // Path of the profile table; empty: no profiles. With item_lines: files of labels, separated by commas.
  std::string users;
  std::string output;  // dataset.h5 to write
  InputFormat format = InputFormat::kAuto;
  std::string source;  // name of the settings that were used (import/sources.h), for the record; "" = none
  // Flags that decide open choices of the source and have other values than it takes, with those values.
  std::map<std::string, std::string> overruled;
  RawLayout layout;  // how the raw files differ from plain tables
  std::string user_column = "user_id", item_column = "item_id", time_column = "timestamp";  // "" = no times
  std::vector<std::string> profile_columns;  // empty: all columns of the profile table but the user's
  double min_rating = 0;                     // with rating_column: rows below are dropped
  std::string rating_column;                 // "" = none
  TieOrder ties = TieOrder::kFile;
  bool drop_duplicates = false;  // of (user, item, time); counted either way

  Protocol protocol = Protocol::kHoldout;
  int32_t cold_threshold = 10;  // threshold: users with fewer clicks are cold
  // holdout: share of users that become cold; 1: all of them, since another dataset is for pre-training
  double holdout_share = 0.25;
  int32_t cold_clicks = 10;                               // holdout: clicks a cold user keeps
  int32_t min_user_clicks = 1, min_item_clicks = 1;       // k-core, applied until stable when either is > 1
  double cold_train_share = 0.72, cold_dev_share = 0.08;  // the rest is cold test
  int32_t num_candidates = 99;
  int64_t max_warm_dev_users = 10000;  // warm users whose last click becomes a validation case
  uint64_t seed = 1;
  int64_t memory_bytes = int64_t{1} << 30;  // in-memory budget of the external sort
  int32_t num_threads = 0;       // of sorting and drawing; 0 = one per core; never changes the result
  std::string temporary_folder;  // "" = beside the output

  // Every problem found, one a line; empty when none.
  std::vector<std::string> Problems() const;
};

struct PrepareReport {
  int64_t rows_read = 0, rows_kept = 0;
  // By the layout (import/raw_layout.h): action, user, window of time, no item, item filter, repeated line,
  // and clicks on an item after a user's first.
  int64_t rows_dropped_action = 0, rows_dropped_user = 0, rows_dropped_time = 0, rows_dropped_item = 0,
          rows_dropped_item_filter = 0, rows_dropped_repeated_line = 0, rows_dropped_later_click = 0;
  int64_t rows_dropped_rating = 0, rows_dropped_missing = 0, rows_dropped_duplicate = 0,
          rows_dropped_core = 0,
          rows_dropped_cropped = 0;  // cropped: clicks of cold users past cold_clicks
  int64_t duplicates = 0, tied_rows = 0,
          cold_tied_rows = 0;  // rows that share user and time with a neighbour
  int64_t users = 0, items = 0, warm_users = 0, cold_train_users = 0, cold_dev_users = 0, cold_test_users = 0;
  int64_t users_without_profile = 0, profiles_without_clicks = 0, repeated_profiles = 0;
  double seconds = 0;
  std::string ToText() const;  // the counts report that `ppr prepare` prints
};

// Throws ConfigError (all Problems), DataError (file, line or row, column, expected, found), StorageError.
// Writes nothing unless it succeeds. Memory: users, items, profile table and evaluation cases, plus
// memory_bytes, whatever the number of rows: clicks are spilled to the temporary folder by user range, then
// sorted and written range by range.
PrepareReport Prepare(const PrepareConfig& config);

}  // namespace ppr::data
