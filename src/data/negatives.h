// Negative items for next-item losses: uniform over the catalogue, never among the user's own training
// clicks. Clicks kept for evaluation are not excluded: training must not know them, not even as items it
// never sees as negatives.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "data/dataset.h"

namespace ppr::data {

// Immutable after construction; safe to share between threads. Keeps 4 bytes a training click.
class NegativeSampler {
 public:
  // DataError when a user with training clicks has clicked every item: nothing is left to draw.
  NegativeSampler(const Dataset& dataset, uint64_t seed);

  // Fills `negatives` with independent draws (repeats possible) for the click at `position` of `user`. A pure
  // function of (seed, epoch, user, position, index in `negatives`).
  void Draw(int64_t epoch, int32_t user, int64_t position, std::span<int64_t> negatives) const {
    DrawFor(UserKey(epoch, user), user, position, negatives);
  }
  // Draw in two parts, for many positions of one user: the key is worth keeping.
  RandomKey UserKey(int64_t epoch, int32_t user) const;
  void DrawFor(RandomKey user_key, int32_t user, int64_t position, std::span<int64_t> negatives) const;

  // Fills `negatives` with independent draws for all users of step `step`: a pure function of (seed, step,
  // index). They may be items that a user has clicked: see AppendClicked.
  void DrawShared(int64_t step, std::span<int64_t> negatives) const;
  // Appends the places of `items`, ascending ids, that are among the user's training clicks.
  void AppendClicked(int32_t user, std::span<const int64_t> items, std::vector<int64_t>* places) const;

 private:
  std::span<const int32_t> OwnItems(int32_t user) const {
    const auto at = static_cast<size_t>(user);
    return {own_items_.data() + offsets_[at], static_cast<size_t>(offsets_[at + 1] - offsets_[at])};
  }
  int64_t DrawOne(RandomKey key, std::span<const int32_t> own) const;

  int64_t num_items_;
  uint64_t seed_;
  std::vector<int64_t> offsets_;    // [U+1]
  std::vector<int32_t> own_items_;  // ascending and distinct within a user
};

}  // namespace ppr::data
