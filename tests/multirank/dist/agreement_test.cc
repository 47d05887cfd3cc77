// An error of one rank becomes the same error of all.
#include "dist/agreement.h"

#include <gtest/gtest.h>

#include <new>

#include "base/errors.h"
#include "support/run_ranks.h"

namespace ppr::dist {
namespace {

// Type and message with which AgreeOn ends on rank `rank` of 3.
std::vector<std::string> Outcomes(const std::function<void(int rank)>& work) {
  std::vector<std::string> outcomes(3);
  test::RunRanks(3, [&](dist::Communicator& communicator) {
    std::string& outcome = outcomes[static_cast<size_t>(communicator.rank())];
    try {
      AgreeOn(communicator, [&] { work(communicator.rank()); });
      outcome = "success";
    } catch (const DataError& error) {
      outcome = std::string("data: ") + error.what();
    } catch (const StorageError& error) {
      outcome = std::string("storage: ") + error.what();
    } catch (const BugError& error) {
      outcome = std::string("bug: ") + error.what();
    }
  });
  return outcomes;
}

std::vector<std::string> OnAll(const std::string& outcome) { return {3, outcome}; }

TEST(AgreeOn, SucceedsWhenAllDo) {
  EXPECT_EQ(Outcomes([](int) {}), OnAll("success"));
}

TEST(AgreeOn, OneRanksErrorIsThrownByAll) {
  EXPECT_EQ(Outcomes([](int rank) {
              if (rank == 2) throw StorageError("cannot write x: No space left on device");
            }),
            OnAll("storage: rank 2: cannot write x: No space left on device"));
  EXPECT_EQ(Outcomes([](int rank) {
              if (rank == 1) throw DataError("bad");
            }),
            OnAll("data: rank 1: bad"));
  EXPECT_EQ(Outcomes([](int rank) {
              if (rank == 0) throw std::bad_alloc();
            }),
            OnAll("bug: rank 0: std::bad_alloc"));
}

TEST(AgreeOn, TheLowestRanksErrorWins) {
  EXPECT_EQ(Outcomes([](int rank) {
              if (rank == 1) throw DataError("one");
              if (rank == 2) throw StorageError("two");
            }),
            OnAll("data: rank 1: one"));
}

}  // namespace
}  // namespace ppr::dist
