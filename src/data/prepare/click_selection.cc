#include "data/prepare/click_selection.h"

namespace ppr::data {
namespace {

// Drops users below the least number of clicks on staying items, then counts what stays of each item.
void DropUsers(const SortedClicks& sorted, int64_t min_user_clicks, ClickSelection* selection,
               std::vector<int64_t>* item_clicks) {
  item_clicks->assign(selection->item_stays.size(), 0);
  sorted.ForEachRange([&](std::span<const Click> range) {
    ForEachUser(range, [&](std::span<const Click> clicks) {
      int64_t& count = selection->user_clicks[clicks[0].user];
      if (count == 0) return;
      count = 0;
      for (const Click& click : clicks) count += selection->item_stays[click.item];
      if (count < min_user_clicks) {
        count = 0;
        return;
      }
      for (const Click& click : clicks) (*item_clicks)[click.item] += selection->item_stays[click.item];
    });
  });
}

}  // namespace

ClickSelection SelectCore(const SortedClicks& sorted, int32_t num_items, int64_t min_user_clicks,
                          int64_t min_item_clicks) {
  ClickSelection selection;
  selection.item_stays.assign(static_cast<size_t>(num_items), 1);
  selection.user_clicks = sorted.user_clicks();
  if (min_user_clicks <= 1 && min_item_clicks <= 1) return selection;
  std::vector<int64_t> item_clicks;
  // Each round can only take away; the first one that drops no item leaves user counts that are right.
  for (bool item_dropped = true; item_dropped;) {
    DropUsers(sorted, min_user_clicks, &selection, &item_clicks);
    item_dropped = false;
    for (size_t item = 0; item < item_clicks.size(); ++item) {
      if (selection.item_stays[item] && item_clicks[item] < min_item_clicks) {
        selection.item_stays[item] = 0;
        item_dropped = true;
      }
    }
  }
  return selection;
}

}  // namespace ppr::data
