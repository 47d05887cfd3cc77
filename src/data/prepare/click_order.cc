#include "data/prepare/click_order.h"

#include <algorithm>
#include <vector>

#include "base/random.h"
#include "data/text_hash.h"

namespace ppr::data {
namespace {

// How many earlier ones of `ties` (or of any clicks) are on the same item, for each click.
std::vector<uint32_t> CountRepeats(std::span<const Click> ties) {
  std::vector<uint32_t> order(ties.size()), repeats(ties.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint32_t>(i);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return ties[a].item != ties[b].item ? ties[a].item < ties[b].item : a < b;
  });
  for (size_t i = 1; i < order.size(); ++i) {
    if (ties[order[i]].item == ties[order[i - 1]].item) repeats[order[i]] = repeats[order[i - 1]] + 1;
  }
  return repeats;
}

}  // namespace

int64_t ClickOrder::Finish(std::span<Click> clicks) {
  const size_t kept = has_times_ ? FinishTimes(clicks) : clicks.size();
  if (!config_.layout.distinct_items) return static_cast<int64_t>(kept);
  const size_t distinct = KeepFirstOfEachItem(clicks.first(kept));
  later_clicks_ += static_cast<int64_t>(kept - distinct);
  return static_cast<int64_t>(distinct);
}

size_t ClickOrder::KeepFirstOfEachItem(std::span<Click> clicks) {
  const std::vector<uint32_t> repeats = CountRepeats(clicks);
  size_t kept = 0;
  for (size_t i = 0; i < clicks.size(); ++i) {
    if (repeats[i] == 0) clicks[kept++] = clicks[i];
  }
  return kept;
}

size_t ClickOrder::FinishTimes(std::span<Click> clicks) {
  size_t kept = 0;
  for (size_t first = 0; first < clicks.size();) {
    size_t last = first + 1;
    while (last < clicks.size() && clicks[last].time == clicks[first].time) ++last;
    const std::span<Click> ties = clicks.subspan(first, last - first);
    const size_t count = ties.size() == 1 ? 1 : FinishTies(ties);
    if (kept != first) std::copy_n(ties.begin(), count, clicks.begin() + static_cast<ptrdiff_t>(kept));
    kept += count;
    first = last;
  }
  return kept;
}

size_t ClickOrder::FinishTies(std::span<Click> ties) {
  if (config_.ties == TieOrder::kHash) OrderByHash(ties);
  const std::vector<uint32_t> repeats = CountRepeats(ties);
  const auto num_repeats = std::count_if(repeats.begin(), repeats.end(), [](uint32_t n) { return n > 0; });
  if (num_repeats == 0) return ties.size();
  duplicates_ += num_repeats;
  return config_.drop_duplicates ? KeepFirstOfEachItem(ties) : ties.size();
}

void ClickOrder::OrderByHash(std::span<Click> ties) const {
  const RandomKey user_key =
      MakeRandomKey(config_.seed, RandomSite::kTieOrder).With(TextHash(users_.text(ties[0].user)));
  const std::vector<uint32_t> repeats = CountRepeats(ties);
  std::vector<std::pair<uint64_t, Click>> keyed(ties.size());
  for (size_t i = 0; i < ties.size(); ++i) {
    keyed[i] = {user_key.With(TextHash(items_.text(ties[i].item))).Bits(repeats[i]), ties[i]};
  }
  std::stable_sort(keyed.begin(), keyed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < ties.size(); ++i) ties[i] = keyed[i].second;
}

}  // namespace ppr::data
