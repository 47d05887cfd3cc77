// Small value types: checked casts, owners of handles, deadlines.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "base/checked_cast.h"
#include "base/deadline.h"
#include "base/unique_handle.h"

namespace ppr {
namespace {

TEST(CheckedCast, KeepsWhatFitsAndRefusesTheRest) {
  EXPECT_EQ(CheckedCast<int>(int64_t{INT32_MAX}, "count"), INT32_MAX);
  EXPECT_EQ(CheckedCast<int>(int64_t{INT32_MIN}, "count"), INT32_MIN);
  EXPECT_THROW(CheckedCast<int>(int64_t{INT32_MAX} + 1, "count"), BugError);
  EXPECT_THROW(CheckedCast<uint32_t>(-1, "count"), BugError) << "a sign is not a large number";
  EXPECT_THROW(CheckedCast<int64_t>(std::numeric_limits<uint64_t>::max(), "count"), BugError);
  try {
    CheckedCast<int8_t>(1000, "rows to send");
  } catch (const BugError& error) {
    EXPECT_NE(std::string(error.what()).find("rows to send = 1000"), std::string::npos);
  }
}

std::vector<int> closed;

struct RecordingTraits {
  using Type = int;
  static Type Invalid() noexcept { return -1; }
  static void Close(Type handle) noexcept { closed.push_back(handle); }
};
using Handle = UniqueHandle<RecordingTraits>;
static_assert(!std::is_copy_constructible_v<Handle> && std::is_nothrow_move_constructible_v<Handle>);

TEST(UniqueHandle, ClosesOnceWhoeverOwnsItLast) {
  closed.clear();
  {
    Handle first(7);
    Handle second = std::move(first);
    EXPECT_FALSE(first.valid());
    EXPECT_EQ(second.get(), 7);
    EXPECT_TRUE(closed.empty());
  }
  EXPECT_EQ(closed, std::vector<int>({7}));
}

TEST(UniqueHandle, AssignmentClosesWhatItReplaces) {
  closed.clear();
  Handle handle(1);
  handle = Handle(2);
  EXPECT_EQ(closed, std::vector<int>({1}));
  Handle& self = handle;
  handle = std::move(self);
  EXPECT_EQ(handle.get(), 2);
  EXPECT_EQ(closed.size(), 1u);
}

TEST(UniqueHandle, ReleaseGivesUpOwnership) {
  closed.clear();
  {
    Handle handle(3);
    EXPECT_EQ(handle.Release(), 3);
    Handle().Reset();
  }
  EXPECT_TRUE(closed.empty());
}

TEST(Deadline, HasPassedOrNot) {
  EXPECT_TRUE(Deadline::After(std::chrono::milliseconds(-1)).passed());
  EXPECT_FALSE(Deadline::After(std::chrono::hours(1)).passed());
  EXPECT_GE(Stopwatch().seconds(), 0);
}

}  // namespace
}  // namespace ppr
