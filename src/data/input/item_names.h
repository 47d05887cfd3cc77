// Which items of the log are wanted and what they are called, from a table of items (RawLayout::item_table).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/input/input_config.h"
#include "data/input/token_dictionary.h"

namespace ppr::data {

class ItemNames {
 public:
  // Reads the whole table. The first row of an item counts. DataError as in table_reader.h.
  explicit ItemNames(const InputConfig& config);

  enum class Answer { kWanted, kUnknown, kFiltered };
  // kUnknown: the table does not have it, or it lacks a column that makes up its name. `name` is set when it
  // is wanted, and stays valid as long as this and `item`.
  Answer Find(std::string_view item, std::string_view* name) const;

 private:
  static constexpr int32_t kUnnamed = -1, kFilteredOut = -2, kSameName = -3;

  TokenDictionary items_{"items of the item table"};
  TokenDictionary names_{"names of items"};
  std::vector<int32_t> name_of_;  // [items_] number in names_, or one of the constants above
};

// "a/b" of the parts; false when one is empty. `text` is overwritten.
bool JoinParts(const std::vector<std::string_view>& parts, std::string* text);

}  // namespace ppr::data
