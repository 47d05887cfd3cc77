// Which of the sorted clicks become part of the dataset: the k-core first, then the first clicks of held-out
// users.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "data/prepare/click_sorter.h"

namespace ppr::data {

struct ClickSelection {
  std::vector<uint8_t> item_stays;   // [items]
  std::vector<int64_t> user_clicks;  // [users] clicks in the k-core; 0 = the user is dropped
  std::vector<int64_t> most_clicks;  // [users] of these, only the first ones are kept; empty = all

  // Appends the kept ones of one user's clicks.
  void Keep(std::span<const Click> clicks, std::vector<Click>* kept) const {
    const int32_t user = clicks[0].user;
    if (user_clicks[user] == 0) return;
    int64_t left = most_clicks.empty() ? std::numeric_limits<int64_t>::max() : most_clicks[user];
    for (const Click& click : clicks) {
      if (left == 0) return;
      if (!item_stays[click.item]) continue;
      kept->push_back(click);
      --left;
    }
  }
};

// The k-core: users with at least `min_user_clicks` clicks on items with at least `min_item_clicks` clicks by
// such users.
ClickSelection SelectCore(const SortedClicks& sorted, int32_t num_items, int64_t min_user_clicks,
                          int64_t min_item_clicks);

// Splits clicks sorted by user into users: visit(clicks of one user).
template <typename Visit>
void ForEachUser(std::span<const Click> clicks, const Visit& visit) {
  for (size_t first = 0; first < clicks.size();) {
    size_t last = first + 1;
    while (last < clicks.size() && clicks[last].user == clicks[first].user) ++last;
    visit(clicks.subspan(first, last - first));
    first = last;
  }
}

}  // namespace ppr::data
