#include "data/negatives.h"

#include <algorithm>

#include "base/errors.h"
#include "base/random.h"

namespace ppr::data {
namespace {

// Whether ascending `items` hold `id`. Without branches that depend on the data: draws are random, and each
// guess wrong would cost more than the whole search.
bool Contains(std::span<const int32_t> items, int32_t id) {
  if (items.empty()) return false;
  const int32_t* first = items.data();
  for (size_t left = items.size(); left > 1;) {
    const size_t half = left / 2;
    first += first[half] <= id ? half : 0;
    left -= half;
  }
  return *first == id;
}

}  // namespace

NegativeSampler::NegativeSampler(const Dataset& dataset, uint64_t seed)
    : num_items_(dataset.num_items()), seed_(seed), offsets_(1, 0) {
  std::vector<int32_t> own;
  for (int64_t user = 0; user < dataset.num_users(); ++user) {
    const auto history = dataset.training_history(user);
    own.assign(history.begin(), history.end());
    std::sort(own.begin(), own.end());
    own.erase(std::unique(own.begin(), own.end()), own.end());
    if (static_cast<int64_t>(own.size()) >= num_items_) {
      throw DataError("cannot draw negatives for user " + dataset.user_ids[static_cast<size_t>(user)] +
                      " of " + dataset.path +
                      ": expected at least one item the user has not clicked, found all " +
                      std::to_string(num_items_) + " clicked");
    }
    own_items_.insert(own_items_.end(), own.begin(), own.end());
    offsets_.push_back(static_cast<int64_t>(own_items_.size()));
  }
}

RandomKey NegativeSampler::UserKey(int64_t epoch, int32_t user) const {
  return MakeRandomKey(seed_, RandomSite::kNegative)
      .With(static_cast<uint64_t>(epoch))
      .With(static_cast<uint64_t>(user));
}

void NegativeSampler::DrawFor(RandomKey user_key, int32_t user, int64_t position,
                              std::span<int64_t> negatives) const {
  const std::span<const int32_t> own = OwnItems(user);
  const RandomKey key = user_key.With(static_cast<uint64_t>(position));
  for (size_t k = 0; k < negatives.size(); ++k) negatives[k] = DrawOne(key.With(k), own);
}

void NegativeSampler::DrawShared(int64_t step, std::span<int64_t> negatives) const {
  const RandomKey key = MakeRandomKey(seed_, RandomSite::kSharedNegative).With(static_cast<uint64_t>(step));
  for (size_t k = 0; k < negatives.size(); ++k)
    negatives[k] = static_cast<int64_t>(key.Below(static_cast<uint64_t>(num_items_), k)) + 1;
}

void NegativeSampler::AppendClicked(int32_t user, std::span<const int64_t> items,
                                    std::vector<int64_t>* places) const {
  auto next = items.begin();
  for (const int32_t clicked : OwnItems(user)) {  // both ascending
    next = std::lower_bound(next, items.end(), int64_t{clicked});
    for (; next != items.end() && *next == clicked; ++next) places->push_back(next - items.begin());
  }
}

int64_t NegativeSampler::DrawOne(RandomKey key, std::span<const int32_t> own) const {
  constexpr uint64_t kAttempts = 32;
  for (uint64_t attempt = 0; attempt < kAttempts; ++attempt) {
    const auto id = static_cast<int64_t>(key.Below(static_cast<uint64_t>(num_items_), attempt)) + 1;
    if (!Contains(own, static_cast<int32_t>(id))) return id;
  }
  // The user has clicked nearly everything: pick the n-th item that is not theirs.
  auto id = static_cast<int64_t>(key.Below(static_cast<uint64_t>(num_items_) - own.size(), kAttempts)) + 1;
  for (const int32_t clicked : own) {
    if (clicked > id) break;
    ++id;
  }
  return id;
}

}  // namespace ppr::data
