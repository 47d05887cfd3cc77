#include "data/input/row_filter.h"

#include <algorithm>

#include "base/random.h"
#include "data/dataset.h"
#include "data/text_hash.h"

namespace ppr::data {
namespace {

// Sets the draw of a share of users apart from the draw of the held-out ones. DO NOT CHANGE.
constexpr uint64_t kShareOfUsers = 0x7573657273686172;

// Whether a user is among the share of all users that layout.user_share asks for.
bool IsDrawnUser(const InputConfig& config, std::string_view id) {
  const RandomKey key = MakeRandomKey(config.seed, RandomSite::kColdUser).With(kShareOfUsers);
  return key.Uniform(TextHash(id)) < config.layout.user_share;
}

}  // namespace

RowFilter::RowFilter(const InputConfig& config) : config_(config) {
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
  const ItemNames::Answer answer = item->empty() ? ItemNames::Answer::kUnknown
                                   : items_      ? items_->Find(*item, item)
                                                 : ItemNames::Answer::kWanted;
  dropped->no_item += answer == ItemNames::Answer::kUnknown ? 1 : 0;
  dropped->item_filter += answer == ItemNames::Answer::kFiltered ? 1 : 0;
  return answer == ItemNames::Answer::kWanted;
}

}  // namespace ppr::data
