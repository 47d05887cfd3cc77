#include "data/prepare/profile_table.h"

#include <algorithm>

#include "base/errors.h"
#include "data/input/arrow_input.h"
#include "data/input/cell_values.h"
#include "data/input/item_lines_reader.h"
#include "data/input/table_files.h"
#include "data/prepare/value_bucket.h"

namespace ppr::data {
namespace {

// The user's column first, then the fields.
std::vector<std::string> ColumnsToRead(const PrepareConfig& config, const TableFile& file) {
  const std::vector<std::string> present = ReadColumnNames(file);
  const bool as_in_log = config.layout.users_id_column.empty();
  const std::string& id = as_in_log ? config.user_column : config.layout.users_id_column;
  std::vector<std::string> columns;
  AddColumn(file, present, id, as_in_log ? "--user_column" : "--users_id_column", &columns);
  if (config.profile_columns.empty()) {
    std::copy_if(present.begin(), present.end(), std::back_inserter(columns),
                 [&](const std::string& name) { return name != id; });
  }
  for (const std::string& name : config.profile_columns)
    AddColumn(file, present, name, "--profile_columns", &columns);
  if (columns.size() == 1) {
    throw DataError(config.users + ": header: expected profile columns beside " + id +
                    ", found none. Leave out the profile table, or add columns.");
  }
  return columns;
}

}  // namespace

ProfileTable::ProfileTable(const PrepareConfig& config) : config_(config) {
  if (config.users.empty()) return;
  if (FormatOf(config) == InputFormat::kItemLines) {
    for (const std::string& path : ProfilePaths(config)) OpenInput(path);
    StartFields(config.profile_columns);
  } else {
    columns_ = ColumnsToRead(config, UsersTable(config));
    StartFields({columns_.begin() + 1, columns_.end()});
  }
}

void ProfileTable::Read(const TokenDictionary& users) {
  if (config_.users.empty()) return;
  codes_.assign(static_cast<size_t>(users.size()) * fields_.size(), 0);
  has_row_.assign(static_cast<size_t>(users.size()), 0);
  if (columns_.empty()) {
    ReadLabels(users);
  } else {
    ReadTable(users);
  }
}

void ProfileTable::StartFields(const std::vector<std::string>& names) {
  const std::vector<FieldBucket>& buckets = config_.layout.buckets;
  for (const FieldBucket& bucket : buckets) {
    if (std::find(names.begin(), names.end(), bucket.field) == names.end())
      throw MissingColumn(config_.users, bucket.field, names, "--buckets");
  }
  for (const std::string& name : names) {
    const auto bucket = std::find_if(buckets.begin(), buckets.end(),
                                     [&](const FieldBucket& one) { return one.field == name; });
    fields_.push_back(
        {name, bucket == buckets.end() ? 0 : bucket->width, TokenDictionary("values of " + name)});
  }
}

void ProfileTable::SetValue(int32_t user, size_t field, std::string_view value, const CellPlace& place) {
  if (value.empty()) return;
  Field& known = fields_[field];
  const std::string bucket = known.bucket_width > 0 ? BucketOf(value, known.bucket_width, place) : "";
  codes_[static_cast<size_t>(user) * fields_.size() + field] =
      known.values.Encode(known.bucket_width > 0 ? bucket : value) + 1;
}

void ProfileTable::ReadTable(const TokenDictionary& users) {
  TokenDictionary strangers("users of the profile table");
  TableReader reader(UsersTable(config_), columns_);
  TableBlock block;
  while (reader.Next(&block)) {
    for (int64_t row = 0; row < block.num_rows; ++row) {
      const std::string_view id = block.cells[0][row];
      CheckToken({config_.users, columns_[0], block.first_row + row}, id);
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
      for (size_t field = 0; field < fields_.size(); ++field) {
        SetValue(user, field, block.cells[field + 1][row],
                 {config_.users, columns_[field + 1], block.first_row + row});
      }
    }
  }
  strangers_ = strangers.size();
}

void ProfileTable::ReadLabels(const TokenDictionary& users) {
  TokenDictionary strangers("users of the label files");
  const std::vector<std::string> paths = ProfilePaths(config_);
  for (size_t field = 0; field < paths.size(); ++field) {
    std::vector<uint8_t> is_labelled(static_cast<size_t>(users.size()), 0);  // strangers follow the users
    ItemLinesReader reader(paths[field]);
    std::vector<ItemLine> lines;
    while (reader.Next(&lines)) {
      for (const ItemLine& line : lines) {
        const CellPlace place{paths[field], fields_[field].name, line.number};
        if (line.targets.empty() || line.targets.find(',') != std::string_view::npos) {
          throw DataError(place.ToText() + ": expected \"item,item,...,,label\" with one label, found \"" +
                          std::string(line.targets.substr(0, 120)) + "\"");
        }
        const std::string id = UserIdOf(line.history);
        const int32_t user = users.Find(id);
        const auto number =
            static_cast<size_t>(user >= 0 ? int64_t{user} : int64_t{users.size()} + strangers.Encode(id));
        if (number >= is_labelled.size()) is_labelled.resize(number + 1, 0);
        if (is_labelled[number]) {
          ++duplicate_rows_;
          continue;
        }
        is_labelled[number] = 1;
        if (user < 0) continue;
        has_row_[user] = 1;
        if (line.targets != config_.layout.missing_text) SetValue(user, field, line.targets, place);
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
