#include "data/input/row_filter.h"

#include <algorithm>

#include "data/prepare/user_split.h"

namespace ppr::data {

RowFilter::RowFilter(const PrepareConfig& config) : config_(config) {
  if (!config.layout.item_table.empty()) items_.emplace(config);
  if (config.layout.shared_with.empty()) return;
  shared_users_.emplace("users of " + config.layout.shared_with);
  for (const std::string& user : ReadUserIds(config.layout.shared_with)) shared_users_->Encode(user);
}

bool RowFilter::WantsAction(std::string_view action, DroppedRows* dropped) const {
  const std::vector<std::string>& actions = config_.layout.actions;
  const bool wanted = std::find(actions.begin(), actions.end(), action) != actions.end();
  dropped->action += wanted ? 0 : 1;
  return wanted;
}

bool RowFilter::WantsUser(std::string_view user, DroppedRows* dropped) const {
  const bool wanted = (config_.layout.user_share >= 1 || IsDrawnUser(config_, user)) &&
                      (!shared_users_ || shared_users_->Find(user) >= 0);
  dropped->user += wanted ? 0 : 1;
  return wanted;
}

bool RowFilter::WantsTime(int64_t time, DroppedRows* dropped) const {
  const RawLayout& layout = config_.layout;
  const bool wanted =
      (!layout.first_time || time >= *layout.first_time) && (!layout.last_time || time <= *layout.last_time);
  dropped->time += wanted ? 0 : 1;
  return wanted;
}

bool RowFilter::WantsItem(std::string_view* item, DroppedRows* dropped) const {
  const ItemTable::Answer answer = item->empty() ? ItemTable::Answer::kUnknown
                                   : items_      ? items_->Find(*item, item)
                                                 : ItemTable::Answer::kWanted;
  dropped->no_item += answer == ItemTable::Answer::kUnknown ? 1 : 0;
  dropped->item_filter += answer == ItemTable::Answer::kFiltered ? 1 : 0;
  return answer == ItemTable::Answer::kWanted;
}

}  // namespace ppr::data
