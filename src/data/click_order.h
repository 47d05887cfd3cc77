// What happens to one user's clicks once they are sorted by time: clicks of one time get their final order,
// repeated clicks are counted and, if asked, dropped.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "data/click_sorter.h"
#include "data/prepare.h"
#include "data/token_dictionary.h"

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

 private:
  // Puts one user's clicks of one time in order and repeats last; returns how many are no repeats.
  size_t FinishTies(std::span<Click> ties);
  void OrderByHash(std::span<Click> ties) const;

  const PrepareConfig& config_;
  bool has_times_;
  const TokenDictionary& users_;
  const TokenDictionary& items_;
  std::atomic<int64_t> duplicates_{0};
};

}  // namespace ppr::data
