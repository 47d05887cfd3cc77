// The profile table: one row per user, one code per field. For users without ids (item_lines): one file per
// field, whose lines end with a label.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/input/cell_values.h"
#include "data/input/token_dictionary.h"
#include "data/prepare/prepare.h"

namespace ppr::data {

class ProfileTable {
 public:
  // Opens the files and finds the columns. `config` outlives the table. StorageError when a file cannot be
  // opened, DataError as in table_reader.h.
  explicit ProfileTable(const PrepareConfig& config);

  // Reads the rows of `users`, who have clicks. The first row of a user wins (item_lines: of each file).
  void Read(const TokenDictionary& users);

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
  void StartFields(const std::vector<std::string>& names);
  void ReadTable(const TokenDictionary& users);
  void ReadLabels(const TokenDictionary& users);
  void SetValue(int32_t user, size_t field, std::string_view value, const CellPlace& place);

  const PrepareConfig& config_;
  std::vector<std::string> columns_;  // of the table, the user's first
  std::vector<Field> fields_;
  std::vector<int32_t> codes_;    // [users, fields] 0 = missing, else number in values + 1
  std::vector<uint8_t> has_row_;  // [users]
  int64_t strangers_ = 0, duplicate_rows_ = 0;
};

}  // namespace ppr::data
