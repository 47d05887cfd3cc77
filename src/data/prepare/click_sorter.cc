#include "data/prepare/click_sorter.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/errors.h"
#include "data/prepare/run_on_threads.h"
#include "data/prepare/spill_file.h"

namespace ppr::data {
namespace {

// Below this a budget would make runs so short that every seek reads next to nothing.
constexpr int64_t kLeastBufferClicks = 1024;

// Memory that is not touched until it is used, unlike a vector's.
struct Buffer {
  explicit Buffer(int64_t capacity_clicks = 0) : clicks(new Click[static_cast<size_t>(capacity_clicks)]) {}
  std::unique_ptr<Click[]> clicks;
  int64_t size = 0;
  std::span<Click> used() { return {clicks.get(), static_cast<size_t>(size)}; }
  std::span<const Click> used() const { return {clicks.get(), static_cast<size_t>(size)}; }
};

// Start of each user's clicks, [last - first + 1] for the users of `clicks`, all in [first, last).
std::vector<int64_t> UserStarts(std::span<const Click> clicks, int32_t first, int32_t last) {
  std::vector<int64_t> starts(static_cast<size_t>(last - first) + 1, 0);
  for (const Click& click : clicks) ++starts[click.user - first + 1];
  std::partial_sum(starts.begin(), starts.end(), starts.begin());
  return starts;
}

// Bounds of `num_threads` groups of successive users with about equal numbers of clicks.
std::vector<int32_t> ShareUsers(const std::vector<int64_t>& starts, int num_threads) {
  std::vector<int32_t> bounds{0};
  for (int thread = 1; thread <= num_threads; ++thread) {
    const int64_t goal = starts.back() * thread / num_threads;
    const auto bound = std::lower_bound(starts.begin(), starts.end(), goal) - starts.begin();
    bounds.push_back(thread == num_threads ? static_cast<int32_t>(starts.size()) - 1
                                           : std::max(bounds.back(), static_cast<int32_t>(bound)));
  }
  return bounds;
}

// Clicks in [bounds[t], bounds[t+1]) of users, from `from` in order of arrival to their user's place in `to`.
void GroupByUser(std::span<const Click> from, int32_t first_user, const std::vector<int64_t>& starts,
                 int32_t begin, int32_t end, Click* to) {
  std::vector<int64_t> next(starts.begin() + begin, starts.begin() + end);
  for (const Click& click : from) {
    const int32_t user = click.user - first_user;
    if (user >= begin && user < end) to[next[user - begin]++] = click;
  }
}

// Sorts one user's clicks by time, equal times in order of arrival. The user field holds the place of arrival
// meanwhile: a unique key lets the faster unstable sort do.
void SortByTime(std::span<Click> clicks) {
  const auto earlier = [](const Click& a, const Click& b) { return a.time < b.time; };
  if (std::is_sorted(clicks.begin(), clicks.end(), earlier)) return;
  if (clicks.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    std::stable_sort(clicks.begin(), clicks.end(), earlier);
    return;
  }
  const int32_t user = clicks[0].user;
  for (size_t i = 0; i < clicks.size(); ++i) clicks[i].user = static_cast<int32_t>(i);
  std::sort(clicks.begin(), clicks.end(), [](const Click& a, const Click& b) {
    return a.time != b.time ? a.time < b.time : a.user < b.user;
  });
  for (Click& click : clicks) click.user = user;
}

}  // namespace

struct SortedClicks::State {
  Buffer memory;                     // all clicks, when they fitted
  std::unique_ptr<SpillFile> file;   // else
  std::vector<int64_t> user_clicks;  // [U]
  int64_t range_clicks = 0;          // most clicks of a range, but for a single larger user
};

SortedClicks::SortedClicks() : state_(std::make_unique<State>()) {}
SortedClicks::SortedClicks(SortedClicks&&) noexcept = default;
SortedClicks::~SortedClicks() = default;
const std::vector<int64_t>& SortedClicks::user_clicks() const { return state_->user_clicks; }
bool SortedClicks::spilled() const { return state_->file != nullptr; }

void SortedClicks::ForEachRange(const VisitClicks& visit) const {
  if (!spilled()) {
    visit(state_->memory.used());
    return;
  }
  std::vector<Click> range;
  int64_t first = 0, count = 0;
  const auto flush = [&] {
    range.resize(static_cast<size_t>(count));
    state_->file->Read(first, range);
    visit(range);
    first += count;
    count = 0;
  };
  for (const int64_t clicks : state_->user_clicks) {
    if (count > 0 && count + clicks > state_->range_clicks) flush();
    count += clicks;
  }
  if (count > 0) flush();
}

struct ClickSorter::State {
  void SpillRun();
  SortedClicks SortInMemory(int32_t num_users, const FinishUser& finish_user);
  SortedClicks SortRuns(int32_t num_users, const FinishUser& finish_user);
  // Groups, sorts and finishes clicks of users [first, last); closes gaps. Returns the clicks, user_clicks
  // filled.
  Buffer SortUsers(Buffer clicks, int32_t first, int32_t last, const FinishUser& finish_user,
                   int64_t* user_clicks) const;
  // The place of the first click of `run` whose user is >= `user`.
  int64_t FindUser(size_t run, int32_t user) const;

  int64_t buffer_clicks = 0;
  std::string folder;
  int num_threads = 1;
  Buffer buffer;
  int32_t users_so_far = 0;
  std::unique_ptr<SpillFile> runs;
  std::vector<int64_t> run_starts{0};  // [runs + 1]
  std::vector<int64_t> clicks_of;      // [users so far]; kept only once a run was spilled
};

ClickSorter::ClickSorter(int64_t memory_bytes, std::string folder, int num_threads)
    : state_(std::make_unique<State>()) {
  state_->buffer_clicks =
      std::max<int64_t>(kLeastBufferClicks, memory_bytes / 2 / static_cast<int64_t>(sizeof(Click)));
  state_->folder = std::move(folder);
  state_->num_threads = num_threads;
  state_->buffer = Buffer(state_->buffer_clicks);
}

ClickSorter::~ClickSorter() = default;

void ClickSorter::Add(std::span<const Click> clicks) {
  State& state = *state_;
  while (!clicks.empty()) {
    if (state.buffer.size == state.buffer_clicks) state.SpillRun();
    const auto count =
        std::min<size_t>(clicks.size(), static_cast<size_t>(state.buffer_clicks - state.buffer.size));
    Click* const to = state.buffer.clicks.get() + state.buffer.size;
    for (size_t i = 0; i < count; ++i) {
      to[i] = clicks[i];
      state.users_so_far = std::max(state.users_so_far, clicks[i].user + 1);
    }
    state.buffer.size += static_cast<int64_t>(count);
    clicks = clicks.subspan(count);
  }
}

SortedClicks ClickSorter::Sort(int32_t num_users, const FinishUser& finish_user) {
  if (state_->runs == nullptr) return state_->SortInMemory(num_users, finish_user);
  state_->SpillRun();
  state_->buffer = Buffer();
  return state_->SortRuns(num_users, finish_user);
}

void ClickSorter::State::SpillRun() {
  if (runs == nullptr) runs = std::make_unique<SpillFile>(folder);
  const std::vector<int64_t> starts = UserStarts(buffer.used(), 0, users_so_far);
  Buffer grouped(buffer.size);
  grouped.size = buffer.size;
  const std::vector<int32_t> bounds = ShareUsers(starts, num_threads);
  RunOnThreads(num_threads, [&](int thread) {
    GroupByUser(buffer.used(), 0, starts, bounds[thread], bounds[thread + 1], grouped.clicks.get());
  });
  clicks_of.resize(static_cast<size_t>(users_so_far), 0);
  for (int32_t user = 0; user < users_so_far; ++user) clicks_of[user] += starts[user + 1] - starts[user];
  runs->Append(grouped.used());
  run_starts.push_back(runs->size());
  buffer.size = 0;
}

Buffer ClickSorter::State::SortUsers(Buffer clicks, int32_t first, int32_t last,
                                     const FinishUser& finish_user, int64_t* user_clicks) const {
  const std::vector<int64_t> starts = UserStarts(clicks.used(), first, last);
  const std::vector<int32_t> bounds = ShareUsers(starts, num_threads);
  Buffer sorted(clicks.size);
  RunOnThreads(num_threads, [&](int thread) {
    GroupByUser(clicks.used(), first, starts, bounds[thread], bounds[thread + 1], sorted.clicks.get());
    for (int32_t user = bounds[thread]; user < bounds[thread + 1]; ++user) {
      const std::span<Click> own(sorted.clicks.get() + starts[user],
                                 static_cast<size_t>(starts[user + 1] - starts[user]));
      if (!own.empty()) SortByTime(own);
      user_clicks[user] = own.empty() ? 0 : finish_user(own);
    }
  });
  for (int32_t user = 0; user < last - first; ++user) {
    Click* const own = sorted.clicks.get() + starts[user];
    if (sorted.size != starts[user])
      std::copy(own, own + user_clicks[user], sorted.clicks.get() + sorted.size);
    sorted.size += user_clicks[user];
  }
  return sorted;
}

SortedClicks ClickSorter::State::SortInMemory(int32_t num_users, const FinishUser& finish_user) {
  SortedClicks sorted;
  sorted.state_->user_clicks.resize(static_cast<size_t>(num_users));
  sorted.state_->memory =
      SortUsers(std::move(buffer), 0, num_users, finish_user, sorted.state_->user_clicks.data());
  return sorted;
}

int64_t ClickSorter::State::FindUser(size_t run, int32_t user) const {
  int64_t low = run_starts[run], high = run_starts[run + 1];
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    Click click;
    runs->Read(middle, {&click, 1});
    if (click.user < user) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

SortedClicks ClickSorter::State::SortRuns(int32_t num_users, const FinishUser& finish_user) {
  SortedClicks sorted;
  sorted.state_->file = std::make_unique<SpillFile>(folder);
  sorted.state_->range_clicks = buffer_clicks;
  clicks_of.resize(static_cast<size_t>(num_users), 0);
  sorted.state_->user_clicks.resize(static_cast<size_t>(num_users));
  const size_t num_runs = run_starts.size() - 1;
  std::vector<int64_t> next(run_starts.begin(), run_starts.end() - 1);
  for (int32_t first = 0; first < num_users;) {
    int64_t count = clicks_of[first];
    int32_t last = first + 1;
    while (last < num_users && count + clicks_of[last] <= buffer_clicks) count += clicks_of[last++];
    Buffer range(count);
    for (size_t run = 0; run < num_runs; ++run) {
      const int64_t end = FindUser(run, last);
      runs->Read(next[run], {range.clicks.get() + range.size, static_cast<size_t>(end - next[run])});
      range.size += end - next[run];
      next[run] = end;
    }
    PPR_BUG_IF_NOT(range.size == count, "the runs lost clicks");
    const Buffer done =
        SortUsers(std::move(range), first, last, finish_user, sorted.state_->user_clicks.data() + first);
    sorted.state_->file->Append(done.used());
    first = last;
  }
  return sorted;
}

}  // namespace ppr::data
