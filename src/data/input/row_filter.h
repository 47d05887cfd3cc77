// Which rows of a click log are kept, by action, user, time and item (RawLayout), and how many are not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/input/input_config.h"
#include "data/input/item_names.h"
#include "data/input/token_dictionary.h"

namespace ppr::data {

struct DroppedRows {
  int64_t missing = 0, rating = 0;  // no time or rating; rated too low
  int64_t action = 0;               // not one of the wanted actions
  int64_t user = 0;                 // outside the drawn share of users, or not in the other dataset
  int64_t time = 0;                 // outside the window
  int64_t no_item = 0;              // no item, or one that the item table does not have
  int64_t item_filter = 0;          // an item that the filter refuses
  int64_t repeated_line = 0;        // item_lines: clicks of a line that was there before

  int64_t total() const {
    return missing + rating + action + user + time + no_item + item_filter + repeated_line;
  }
};

class RowFilter {
 public:
  explicit RowFilter(const InputConfig& config);

  // Each counts the row when the answer is no.
  bool WantsAction(std::string_view action, DroppedRows* dropped) const;
  bool WantsUser(std::string_view user, DroppedRows* dropped) const;
  bool WantsTime(int64_t time, DroppedRows* dropped) const;
  // `item`: what the log says; becomes what it is called.
  bool WantsItem(std::string_view* item, DroppedRows* dropped) const;

 private:
  const InputConfig& config_;
  std::optional<TokenDictionary> shared_users_;
  std::optional<ItemNames> items_;
};

}  // namespace ppr::data
