// Raw logs and profiles in, dataset.h5 out: import, order, split, candidates, report.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/input/input_config.h"
#include "data/input/row_filter.h"
#include "settings/settings.h"

namespace ppr::data {

// The order of clicks of one user at one time: as in the file, or by a hash of them.
enum class TieOrder { kFile, kHash };
const settings::NameTable<TieOrder>& NamesOf(TieOrder);

// The input and what becomes of it.
struct PrepareConfig : InputConfig {
  // dataset.h5 to write.
  std::string output;
  // Name of the settings that were used (data/sources/sources.h), for the record; "" = none.
  std::string source;
  // What the source leaves open and what was taken, for the record.
  std::vector<std::string> open_choices;
  TieOrder ties = TieOrder::kFile;
  // Rows that repeat (user, item, time); counted either way.
  bool drop_duplicates = false;

  Protocol protocol = Protocol::kHoldout;
  // threshold: users with fewer clicks are cold.
  int32_t cold_threshold = 10;
  // holdout: share of users that become cold; 1: all of them, since another dataset is for pre-training.
  double holdout_share = 0.25;
  // holdout: clicks a cold user keeps.
  int32_t cold_clicks = 10;
  // k-core, applied until stable when either is > 1.
  int32_t min_user_clicks = 1, min_item_clicks = 1;
  // The rest is cold test.
  double cold_train_share = 0.72, cold_dev_share = 0.08;
  int32_t num_candidates = 99;
  // Warm users whose last click becomes a validation case.
  int64_t max_warm_dev_users = 10000;
  // In-memory budget of the external sort.
  int64_t memory_bytes = int64_t{1} << 30;
  // Of sorting and drawing; 0 = one per core; never changes the result.
  int32_t num_threads = 0;
  // "" = beside the output.
  std::string temporary_folder;

  // Every problem found, one a line; empty when none.
  std::vector<std::string> Problems() const;
};
// All settings but those of the layout of raw files, which follow them (describe_prepare.cc).
void Describe(settings::Settings& settings, PrepareConfig& config);

struct PrepareReport {
  int64_t rows_read = 0, rows_kept = 0;
  // By the readers.
  DroppedRows dropped;
  // distinct_items: clicks on an item after the user's first.
  int64_t rows_dropped_later_click = 0;
  // cropped: clicks of cold users past cold_clicks.
  int64_t rows_dropped_duplicate = 0, rows_dropped_core = 0, rows_dropped_cropped = 0;
  int64_t duplicates = 0;
  // Rows that share user and time with a neighbour.
  int64_t tied_rows = 0, cold_tied_rows = 0;
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
