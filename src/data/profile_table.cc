#include "data/profile_table.h"

#include <algorithm>

#include "base/errors.h"
#include "data/cell_values.h"
#include "data/click_reader.h"
#include "data/table_reader.h"

namespace ppr::data {
namespace {

TableFormat ProfileFormat(const PrepareConfig& config) {
  const InputFormat format = FormatOf(config);
  return TableFormatOf(config.users, format == InputFormat::kAtomic    ? TableFormat::kAtomic
                                     : format == InputFormat::kParquet ? TableFormat::kParquet
                                                                       : TableFormat::kComma);
}

// The user's column first, then the fields.
std::vector<std::string> ColumnsToRead(const PrepareConfig& config, TableFormat format) {
  const std::vector<std::string> present = ReadColumnNames(config.users, format);
  const auto require = [&](const std::string& name, const char* flag) {
    if (std::find(present.begin(), present.end(), name) == present.end()) {
      throw MissingColumn(config.users, name, present, flag);
    }
  };
  require(config.user_column, "--user_column");
  std::vector<std::string> columns{config.user_column};
  if (config.profile_columns.empty()) {
    std::copy_if(present.begin(), present.end(), std::back_inserter(columns),
                 [&](const std::string& name) { return name != config.user_column; });
  }
  for (const std::string& name : config.profile_columns) {
    require(name, "--profile_columns");
    columns.push_back(name);
  }
  if (columns.size() == 1) {
    throw DataError(config.users + ": header: expected profile columns beside " + config.user_column +
                    ", found none. Leave out the profile table, or add columns.");
  }
  return columns;
}

}  // namespace

ProfileTable::ProfileTable(const PrepareConfig& config, const TokenDictionary& users) {
  if (config.users.empty()) return;
  const TableFormat format = ProfileFormat(config);
  const std::vector<std::string> columns = ColumnsToRead(config, format);
  for (size_t i = 1; i < columns.size(); ++i)
    fields_.push_back({columns[i], TokenDictionary("values of " + columns[i])});
  const size_t num_fields = fields_.size();
  codes_.assign(static_cast<size_t>(users.size()) * num_fields, 0);
  has_row_.assign(static_cast<size_t>(users.size()), 0);
  TokenDictionary strangers("users of the profile table");
  TableReader reader(config.users, format, columns);
  TableBlock block;
  while (reader.Next(&block)) {
    for (int64_t row = 0; row < block.num_rows; ++row) {
      const std::string_view id = block.cells[0][row];
      CheckToken({config.users, config.user_column, block.first_row + row}, id);
      const int32_t user = users.Find(id);
      if (user < 0) {
        const int32_t known = strangers.size();
        duplicate_rows_ += strangers.Encode(id) < known ? 1 : 0;
        continue;
      }
      if (has_row_[user] != 0) {
        ++duplicate_rows_;
        continue;
      }
      has_row_[user] = 1;
      for (size_t field = 0; field < num_fields; ++field) {
        const std::string_view value = block.cells[field + 1][row];
        if (!value.empty())
          codes_[static_cast<size_t>(user) * num_fields + field] = fields_[field].values.Encode(value) + 1;
      }
    }
  }
  strangers_ = strangers.size();
}

void ProfileTable::Fill(const std::vector<int32_t>& kept_users, Dataset* dataset) const {
  const size_t num_fields = fields_.size();
  dataset->profiles.assign(kept_users.size() * num_fields, 0);
  for (size_t field = 0; field < num_fields; ++field) {
    const TokenDictionary& values = fields_[field].values;
    std::vector<uint8_t> in_use(static_cast<size_t>(values.size()), 0);
    const auto code_of = [&](size_t i) {
      return codes_[static_cast<size_t>(kept_users[i]) * num_fields + field];
    };
    for (size_t i = 0; i < kept_users.size(); ++i) {
      if (code_of(i) > 0) in_use[code_of(i) - 1] = 1;
    }
    ProfileField named{fields_[field].name, {""}};
    for (int32_t value = 0; value < values.size(); ++value) {
      if (in_use[value]) named.values.emplace_back(values.text(value));
    }
    std::sort(named.values.begin() + 1, named.values.end());
    std::vector<int32_t> final_code(in_use.size() + 1, 0);
    for (size_t code = 1; code < named.values.size(); ++code) {
      final_code[values.Find(named.values[code]) + 1] = static_cast<int32_t>(code);
    }
    for (size_t i = 0; i < kept_users.size(); ++i)
      dataset->profiles[i * num_fields + field] = final_code[code_of(i)];
    dataset->fields.push_back(std::move(named));
  }
}

std::vector<std::string> ProfileTable::FieldNames() const {
  std::vector<std::string> names;
  for (const Field& field : fields_) names.push_back(field.name);
  return names;
}

}  // namespace ppr::data
