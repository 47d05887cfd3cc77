// What happens to one user's clicks once they are sorted by time: clicks of one time get their final order,
// repeated clicks are counted and, if asked, dropped; so are later clicks on an item.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "data/input/token_dictionary.h"
#include "data/prepare/click_sorter.h"
#include "data/prepare/prepare.h"

namespace ppr::data {

class ClickOrder {
 public:
  // The dictionaries give the texts that the hashed order depends on, so that it does not depend on the order
  // of rows.
  ClickOrder(const PrepareConfig& config, bool has_times, const TokenDictionary& users,
             const TokenDictionary& items)
      : config_(config), has_times_(has_times), users_(users), items_(items) {}

  // A FinishUser; thread-safe.
  int64_t Finish(std::span<Click> clicks);
  // Clicks that repeat an earlier (user, item, time); without times none is called a repeat.
  int64_t duplicates() const { return duplicates_; }
  // Clicks on an item that the user had clicked before, dropped since only the first is wanted.
  int64_t later_clicks() const { return later_clicks_; }

 private:
  // Puts ties in order and repeats away; returns how many clicks stay, the first ones.
  size_t FinishTimes(std::span<Click> clicks);
  // Puts one user's clicks of one time in order and repeats last; returns how many are no repeats.
  size_t FinishTies(std::span<Click> ties);
  void OrderByHash(std::span<Click> ties) const;
  static size_t KeepFirstOfEachItem(std::span<Click> clicks);

  const PrepareConfig& config_;
  bool has_times_;
  const TokenDictionary& users_;
  const TokenDictionary& items_;
  std::atomic<int64_t> duplicates_{0}, later_clicks_{0};
};

}  // namespace ppr::data
