// How raw files differ from one plain table with a header: columns without names, clicks among other actions,
// items that a row does not name, attributes too fine to learn from. Every default means "as in a plain
// table".
//
// A row of the click log is asked, in this order: is its action wanted, is its user wanted, has it a time and
// a rating, is the time inside the window, is the rating high enough, has it an item, is the item wanted. It
// counts under the first "no".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ppr::data {

struct FieldBucket {
  std::string field;  // a profile column of whole numbers
  int64_t width = 1;  // values become "0-9", "10-19" ... for 10
  bool operator==(const FieldBucket&) const = default;
};

struct RawLayout {
  // Files without a header: the names of their columns, in order.
  std::vector<std::string> interactions_header, users_header, item_table_header;
  std::string missing_text;     // a cell of this text is empty, in every table
  std::string users_id_column;  // of the profile table; "" = as in the log

  std::string action_column;                     // "" = every row is a click
  std::vector<std::string> actions;              // rows with others are dropped
  std::optional<int64_t> first_time, last_time;  // rows outside are dropped; both ends are inside
  double user_share = 1;    // of all users, drawn by a hash of (seed, id); rows of others are dropped
  std::string shared_with;  // a dataset file: rows of users that it does not have are dropped

  // A table of items, looked up by the log's item column. Rows whose item it does not have are dropped.
  std::string item_table;
  std::string item_table_id_column;  // "" = as in the log
  // What an item is: these columns joined by "/", of the item table if there is one, else of the log. Empty:
  // the log's item column.
  std::vector<std::string> item_from;
  std::string item_filter_column;               // of the item table
  std::vector<std::string> item_filter_values;  // items with others are dropped
  bool drop_rows_without_item = false;          // else such a row is an error

  bool distinct_items = false;  // only a user's first click on each item is kept

  std::vector<FieldBucket> buckets;
  std::string targets;  // item_lines: a second file, whose targets follow the histories

  bool operator==(const RawLayout&) const = default;
  bool is_plain() const { return *this == RawLayout(); }
};

}  // namespace ppr::data
