#include "data/input/item_lines_clicks.h"

#include "base/errors.h"
#include "data/input/arrow_input.h"
#include "data/input/cell_values.h"
#include "data/input/item_lines_reader.h"
#include "data/input/token_dictionary.h"

namespace ppr::data {
namespace {

class ItemLinesClicks final : public ClickReader {
 public:
  explicit ItemLinesClicks(const InputConfig& config)
      : targets_path_(config.layout.targets), path_(config.interactions), filter_(config) {
    reader_ = std::make_unique<ItemLinesReader>(path_);
    if (!targets_path_.empty()) OpenInput(targets_path_);  // a missing file is known before the first line
  }

  bool Next(ClickBlock* block) override {
    block->users.clear();
    block->items.clear();
    while (!reader_->Next(&lines_)) {
      if (in_targets_ || targets_path_.empty()) return false;
      in_targets_ = true;
      path_ = targets_path_;
      reader_ = std::make_unique<ItemLinesReader>(path_);
    }
    user_ids_.resize(lines_.size());
    for (size_t i = 0; i < lines_.size(); ++i) AddLine(lines_[i], &user_ids_[i], block);
    block->times.assign(block->users.size(), 0);
    return true;
  }
  bool has_times() const override { return false; }

 private:
  void AddLine(const ItemLine& line, std::string* user_id, ClickBlock* block) {
    *user_id = UserIdOf(line.history);
    if (in_targets_ && line.targets.empty()) {
      throw DataError(path_ + ": line " + std::to_string(line.number) +
                      ": expected \"item,item,...,,target,...\", found no targets. Is this the file of the "
                      "histories?");
    }
    AddItems(line, line.history, *user_id, IsNew(*user_id, &users_), block);
    if (line.targets.empty()) return;
    AddItems(line, line.targets, *user_id, IsNew(*user_id + "," + UserIdOf(line.targets), &targets_), block);
  }

  void AddItems(const ItemLine& line, std::string_view text, std::string_view user, bool is_new,
                ClickBlock* block) {
    items_.clear();
    SplitItems(text, &items_);
    rows_read_ += static_cast<int64_t>(items_.size());
    for (std::string_view item : items_) {
      CheckToken({path_, "item", line.number}, item);
      if (!is_new) {
        ++dropped_.repeated_line;
      } else if (filter_.WantsUser(user, &dropped_) && filter_.WantsItem(&item, &dropped_)) {
        block->users.push_back(user);
        block->items.push_back(item);
      }
    }
  }

  static bool IsNew(std::string_view text, TokenDictionary* seen) {
    const int32_t known = seen->size();
    return seen->Encode(text) == known;
  }

  const std::string targets_path_;
  std::string path_;  // of the file being read
  const RowFilter filter_;
  bool in_targets_ = false;
  std::unique_ptr<ItemLinesReader> reader_;
  std::vector<ItemLine> lines_;
  std::vector<std::string> user_ids_;  // [lines]
  std::vector<std::string_view> items_;
  TokenDictionary users_{"users"}, targets_{"lines of targets"};
};

}  // namespace

std::unique_ptr<ClickReader> OpenItemLines(const InputConfig& config) {
  return std::make_unique<ItemLinesClicks>(config);
}

}  // namespace ppr::data
