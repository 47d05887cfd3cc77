// The profile table: one row per user, one code per field. For users without ids (item_lines): one file per
// field, whose lines end with a label.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/cell_values.h"
#include "data/dataset.h"
#include "data/prepare.h"
#include "data/token_dictionary.h"

namespace ppr::data {

class ProfileTable {
 public:
  // Reads the rows of users that have clicks. The first row of a user wins (item_lines: of each file).
  // DataError as in table_reader.h.
  ProfileTable(const PrepareConfig& config, const TokenDictionary& users);

  // Profiles of the kept users, numbered as in `kept_users` (numbers in `users`): fills fields, profiles.
  // Values are numbered in the order of their bytes among the kept users, so the order of rows does not show.
  void Fill(const std::vector<int32_t>& kept_users, Dataset* dataset) const;

  bool HasRow(int32_t user) const { return !has_row_.empty() && has_row_[user] != 0; }
  // Rows of users without any click in the log, each user once.
  int64_t strangers() const { return strangers_; }
  int64_t duplicate_rows() const { return duplicate_rows_; }
  // Columns that became fields.
  std::vector<std::string> FieldNames() const;

 private:
  struct Field {
    std::string name;
    int64_t bucket_width;  // 0 = values as they are
    TokenDictionary values;
  };
  void StartFields(const PrepareConfig& config, const std::vector<std::string>& names, int32_t num_users);
  void ReadTable(const PrepareConfig& config, const TokenDictionary& users);
  void ReadLabels(const PrepareConfig& config, const TokenDictionary& users);
  void SetValue(int32_t user, size_t field, std::string_view value, const CellPlace& place);

  std::vector<Field> fields_;
  std::vector<int32_t> codes_;    // [users, fields] 0 = missing, else number in values + 1
  std::vector<uint8_t> has_row_;  // [users]
  int64_t strangers_ = 0, duplicate_rows_ = 0;
};

}  // namespace ppr::data
