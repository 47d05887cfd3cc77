#include "data/click_reader.h"

#include <algorithm>

#include "base/errors.h"
#include "base/nearest_name.h"
#include "data/arrow_input.h"
#include "data/cell_values.h"
#include "data/table_reader.h"
#include "data/user_lines_reader.h"

namespace ppr::data {
namespace {

constexpr char kDefaultTimeColumn[] = "timestamp";

class UserLinesClicks final : public ClickReader {
 public:
  explicit UserLinesClicks(const std::string& path) : path_(path), reader_(path) {}

  bool Next(ClickBlock* block) override {
    if (!reader_.Next(&block->users, &block->items)) return false;
    block->times.assign(block->users.size(), 0);
    for (size_t i = 0; i < block->users.size(); ++i) {
      CheckToken({path_, "user", rows_read_ + static_cast<int64_t>(i) + 1}, block->users[i]);
      CheckToken({path_, "item", rows_read_ + static_cast<int64_t>(i) + 1}, block->items[i]);
    }
    rows_read_ += static_cast<int64_t>(block->users.size());
    return true;
  }
  bool has_times() const override { return false; }

 private:
  std::string path_;
  UserLinesReader reader_;
};

// Which of the columns read holds what; -1 = not read.
struct ColumnPlan {
  std::vector<std::string> names;
  int time = -1, rating = -1;  // user and item are 0 and 1
};

ColumnPlan PlanColumns(const PrepareConfig& config, TableFormat format) {
  const std::vector<std::string> present = ReadColumnNames(config.interactions, format);
  const auto has = [&](const std::string& name) {
    return std::find(present.begin(), present.end(), name) != present.end();
  };
  ColumnPlan plan;
  const auto add = [&](const std::string& name, const char* flag) {
    if (!has(name)) throw MissingColumn(config.interactions, name, present, flag);
    plan.names.push_back(name);
    return static_cast<int>(plan.names.size()) - 1;
  };
  add(config.user_column, "--user_column");
  add(config.item_column, "--item_column");
  // An atomic file may leave out timestamp:float; then the order of its rows is the order of the clicks.
  const bool left_out =
      format == TableFormat::kAtomic && config.time_column == kDefaultTimeColumn && !has(config.time_column);
  if (!config.time_column.empty() && !left_out)
    plan.time = add(config.time_column, "--time_column (empty: keep the order of the rows)");
  if (!config.rating_column.empty()) plan.rating = add(config.rating_column, "--rating_column");
  return plan;
}

// By name; else a header that is one column holding tabs is a TSV's.
TableFormat SeparatorOf(const std::string& path) {
  const TableFormat by_name = TableFormatOf(path, TableFormat::kAtomic);
  if (by_name == TableFormat::kComma || by_name == TableFormat::kTab) return by_name;
  const std::vector<std::string> names = ReadColumnNames(path, TableFormat::kComma);
  return names.size() == 1 && names[0].find('\t') != std::string::npos ? TableFormat::kTab
                                                                       : TableFormat::kComma;
}

class TableClicks final : public ClickReader {
 public:
  TableClicks(const PrepareConfig& config, TableFormat format)
      : path_(config.interactions),
        min_rating_(config.min_rating),
        plan_(PlanColumns(config, format)),
        reader_(config.interactions, format, plan_.names) {}

  bool Next(ClickBlock* block) override {
    if (!reader_.Next(&table_)) return false;
    rows_read_ += table_.num_rows;
    block->users.clear();
    block->items.clear();
    block->times.clear();
    for (int64_t row = 0; row < table_.num_rows; ++row) AddRow(row, block);
    return true;
  }
  bool has_times() const override { return plan_.time >= 0; }

 private:
  CellPlace PlaceOf(int column, int64_t row) const {
    return {path_, plan_.names[column], table_.first_row + row};
  }

  void AddRow(int64_t row, ClickBlock* block) {
    const std::string_view user = table_.cells[0][row], item = table_.cells[1][row];
    if (!TokenIsFine(user)) CheckToken(PlaceOf(0, row), user);
    if (!TokenIsFine(item)) CheckToken(PlaceOf(1, row), item);
    const std::string_view time = plan_.time < 0 ? std::string_view("0") : table_.cells[plan_.time][row];
    const std::string_view rating =
        plan_.rating < 0 ? std::string_view("0") : table_.cells[plan_.rating][row];
    if (time.empty() || rating.empty()) {
      ++rows_dropped_missing_;
      return;
    }
    const int64_t seconds = plan_.time < 0 ? 0 : ParseTime(time, [&] { return PlaceOf(plan_.time, row); });
    if (plan_.rating >= 0 && ParseNumber(rating, [&] { return PlaceOf(plan_.rating, row); }) < min_rating_) {
      ++rows_dropped_rating_;
      return;
    }
    block->users.push_back(user);
    block->items.push_back(item);
    block->times.push_back(seconds);
  }

  std::string path_;
  double min_rating_;
  ColumnPlan plan_;
  TableReader reader_;
  TableBlock table_;
};

}  // namespace

InputFormat FormatOf(const PrepareConfig& config) {
  if (config.format != InputFormat::kAuto) return config.format;
  const std::string name = WithoutCompression(config.interactions);
  if (name.ends_with(".inter")) return InputFormat::kAtomic;
  if (name.ends_with(".csv") || name.ends_with(".tsv")) return InputFormat::kDelimited;
  if (name.ends_with(".parquet")) return InputFormat::kParquet;
  if (name.ends_with(".txt")) return InputFormat::kUserLines;
  return InputFormat::kAuto;
}

std::unique_ptr<ClickReader> OpenClicks(const PrepareConfig& config) {
  switch (FormatOf(config)) {
    case InputFormat::kUserLines:
      return std::make_unique<UserLinesClicks>(config.interactions);
    case InputFormat::kAtomic:
      return std::make_unique<TableClicks>(config, TableFormat::kAtomic);
    case InputFormat::kParquet:
      return std::make_unique<TableClicks>(config, TableFormat::kParquet);
    case InputFormat::kDelimited:
      return std::make_unique<TableClicks>(config, SeparatorOf(config.interactions));
    case InputFormat::kAuto:
      break;
  }
  throw ConfigError("the format of " + config.interactions + " is not told by its name: set --format");
}

}  // namespace ppr::data
