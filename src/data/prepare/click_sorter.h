// Sorts clicks by (user, time, order of arrival) within a memory budget.
//
// Clicks collect in a buffer of half the budget. When it is full they are grouped by user and spilled as one
// run. At the end users are taken in ranges whose clicks fit the other half: the range's part of each run is
// read in the order of the runs, grouped by user (which keeps the order of arrival), sorted by time and
// appended to a second file. With a budget that holds all clicks no file is made. Files are unlinked as soon
// as they are open, so that not even a kill leaves one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ppr::data {

struct Click {
  int64_t time;
  int32_t user;
  int32_t item;
};
static_assert(sizeof(Click) == 16);

// Called once per user with its clicks in (time, arrival) order, from several threads for different users.
// May reorder them and returns how many of the first ones to keep.
using FinishUser = std::function<int64_t(std::span<Click> clicks)>;
// Called with the clicks of successive whole users, in order.
using VisitClicks = std::function<void(std::span<const Click> clicks)>;

// Clicks sorted by user; each ForEachRange walks over all of them.
class SortedClicks {
 public:
  SortedClicks();
  SortedClicks(SortedClicks&&) noexcept;
  ~SortedClicks();

  // Ranges are as large as the memory budget allows, and never split a user.
  void ForEachRange(const VisitClicks& visit) const;
  // Clicks of each user, [num_users].
  const std::vector<int64_t>& user_clicks() const;
  bool spilled() const;

 private:
  friend class ClickSorter;
  struct State;
  std::unique_ptr<State> state_;
};

class ClickSorter {
 public:
  // `folder`: where spill files go. `num_threads` >= 1.
  ClickSorter(int64_t memory_bytes, std::string folder, int num_threads);
  ~ClickSorter();
  ClickSorter(const ClickSorter&) = delete;
  ClickSorter& operator=(const ClickSorter&) = delete;

  // Users are numbered from 0. StorageError when a spill file cannot be written.
  void Add(std::span<const Click> clicks);
  // Once, after the last Add.
  SortedClicks Sort(int32_t num_users, const FinishUser& finish_user);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ppr::data
