#include "data/input/click_reader.h"

#include <algorithm>

#include "base/errors.h"
#include "data/input/cell_values.h"
#include "data/input/item_lines_clicks.h"
#include "data/input/table_files.h"
#include "data/input/user_lines_reader.h"

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

// Which of the columns read holds what; -1 = not read. The user is column 0.
struct ColumnPlan {
  std::vector<std::string> names;
  std::vector<int> item;  // one, or several that make up the item together
  int time = -1, rating = -1, action = -1;
};

ColumnPlan PlanColumns(const InputConfig& config, const TableFile& file) {
  const RawLayout& layout = config.layout;
  const std::vector<std::string> present = ReadColumnNames(file);
  ColumnPlan plan;
  const auto add = [&](const std::string& name, const char* flag) {
    return AddColumn(file, present, name, flag, &plan.names);
  };
  add(config.user_column, "--user_column");
  if (layout.item_from.empty() || !layout.item_table.empty()) {
    plan.item = {add(config.item_column, "--item_column")};
  } else {
    for (const std::string& part : layout.item_from) plan.item.push_back(add(part, "--item_from"));
  }
  // An atomic file may leave out timestamp:float; then the order of its rows is the order of the clicks.
  const bool left_out = file.format == TableFormat::kAtomic && config.time_column == kDefaultTimeColumn &&
                        std::find(present.begin(), present.end(), config.time_column) == present.end();
  if (!config.time_column.empty() && !left_out)
    plan.time = add(config.time_column, "--time_column (empty: keep the order of the rows)");
  if (!config.rating_column.empty()) plan.rating = add(config.rating_column, "--rating_column");
  if (!layout.action_column.empty()) plan.action = add(layout.action_column, "--action_column");
  return plan;
}

class TableClicks final : public ClickReader {
 public:
  explicit TableClicks(const InputConfig& config)
      : config_(config),
        filters_(!config.layout.is_plain()),
        long_time_(config.layout.first_time && config.layout.last_time ? LongTime::kClamp
                                                                       : LongTime::kRefuse),
        file_(InteractionsTable(config)),
        plan_(PlanColumns(config, file_)),
        filter_(config),
        reader_(file_, plan_.names) {}

  bool Next(ClickBlock* block) override {
    if (!reader_.Next(&table_)) return false;
    rows_read_ += table_.num_rows;
    block->users.clear();
    block->items.clear();
    block->times.clear();
    if (plan_.item.size() > 1) joined_.resize(static_cast<size_t>(table_.num_rows));
    for (int64_t row = 0; row < table_.num_rows; ++row) AddRow(row, block);
    return true;
  }
  bool has_times() const override { return plan_.time >= 0; }

 private:
  CellPlace PlaceOf(int column, int64_t row) const {
    return {file_.path, plan_.names[column], table_.first_row + row};
  }

  // The item as the log has it; empty when there is none.
  std::string_view ItemOf(int64_t row) {
    if (plan_.item.size() == 1) return table_.cells[plan_.item[0]][row];
    parts_.clear();
    for (const int column : plan_.item) parts_.push_back(table_.cells[column][row]);
    return JoinParts(parts_, &joined_[row]) ? std::string_view(joined_[row]) : std::string_view();
  }

  void AddRow(int64_t row, ClickBlock* block) {
    const std::string_view user = table_.cells[0][row];
    std::string_view item = ItemOf(row);
    if (!TokenIsFine(user)) CheckToken(PlaceOf(0, row), user);
    if (!TokenIsFine(item) && !(item.empty() && config_.layout.drop_rows_without_item))
      CheckToken(PlaceOf(plan_.item[0], row), item);
    if (filters_ && plan_.action >= 0 && !filter_.WantsAction(table_.cells[plan_.action][row], &dropped_))
      return;
    if (filters_ && !filter_.WantsUser(user, &dropped_)) return;
    const std::string_view time = plan_.time < 0 ? std::string_view("0") : table_.cells[plan_.time][row];
    const std::string_view rating =
        plan_.rating < 0 ? std::string_view("0") : table_.cells[plan_.rating][row];
    if (time.empty() || rating.empty()) {
      ++dropped_.missing;
      return;
    }
    const int64_t seconds =
        plan_.time < 0 ? 0 : ParseTime(time, long_time_, [&] { return PlaceOf(plan_.time, row); });
    if (filters_ && !filter_.WantsTime(seconds, &dropped_)) return;
    if (plan_.rating >= 0 &&
        ParseNumber(rating, [&] { return PlaceOf(plan_.rating, row); }) < config_.min_rating) {
      ++dropped_.rating;
      return;
    }
    if (filters_ && !filter_.WantsItem(&item, &dropped_)) return;
    block->users.push_back(user);
    block->items.push_back(item);
    block->times.push_back(seconds);
  }

  const InputConfig& config_;
  const bool filters_;  // false: the layout is a plain table's
  const LongTime long_time_;
  const TableFile file_;
  const ColumnPlan plan_;
  const RowFilter filter_;
  TableReader reader_;
  TableBlock table_;
  std::vector<std::string> joined_;      // [rows of the block] items of several columns
  std::vector<std::string_view> parts_;  // of one row
};

}  // namespace

std::unique_ptr<ClickReader> OpenClicks(const InputConfig& config) {
  switch (FormatOf(config)) {
    case InputFormat::kUserLines:
      return std::make_unique<UserLinesClicks>(config.interactions);
    case InputFormat::kItemLines:
      return OpenItemLines(config);
    case InputFormat::kAtomic:
    case InputFormat::kParquet:
    case InputFormat::kDelimited:
      return std::make_unique<TableClicks>(config);
    case InputFormat::kAuto:
      break;
  }
  throw ConfigError("the format of " + config.interactions + " is not told by its name: set --format");
}

}  // namespace ppr::data
