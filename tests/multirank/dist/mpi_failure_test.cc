// How the MPI backend fails, at two ranks and more: absent peers, wrong counts, calls that do not match.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>

#include "base/errors.h"
#include "support/mpi_test_main.h"

namespace ppr::dist::test {
namespace {

using ::ppr::test::TestSession;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Property;
using ::testing::Throws;

enum class CallCheck { kOff, kOn };

std::unique_ptr<Communicator> MakeCommunicator(CallCheck check,
                                               milliseconds deadline = milliseconds(30'000)) {
  setenv("PPR_CHECK_COLLECTIVES", check == CallCheck::kOn ? "1" : "0", /*replace=*/1);
  return TestSession().MakeWorldCommunicator({.deadline = deadline});
}

// Each rank's message of the CommunicationError that `call` must throw; "" when it throws nothing.
std::string MessageOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const CommunicationError& error) {
    return error.what();
  }
  return "";
}

// Failure tests spoil one communicator while the ranks keep in step over another.
class MpiFailure : public ::testing::Test {
 protected:
  MpiFailure() : control_(MakeCommunicator(CallCheck::kOff)) {}
  ~MpiFailure() override = default;

  int rank() const { return control_->rank(); }
  int size() const { return control_->size(); }

  std::unique_ptr<Communicator> control_;
};

TEST_F(MpiFailure, RankThatNeverComesEndsTheWaitAtTheDeadline) {
  const std::unique_ptr<Communicator> victim = MakeCommunicator(CallCheck::kOff, milliseconds(200));
  victim->set_phase("step 3 forward");
  if (rank() != 0) {
    const std::string message = MessageOf([&] { victim->AllReduce(at::ones({4})); });
    // The first to time out tells the others, which may hear of it before their own deadline.
    EXPECT_THAT(message, AllOf(HasSubstr("phase \"step 3 forward\""), HasSubstr("AllReduce(sum) Float [4]"),
                               HasSubstr("waited 0.2 s")));
    EXPECT_THAT(MessageOf([&] { victim->Barrier(); }), HasSubstr("waited 0.2 s"));  // only throws from now on
  }
  control_->Barrier();
}

TEST_F(MpiFailure, DeadlineNamesThePeerWhoseRowsAreMissing) {
  const std::unique_ptr<Communicator> victim = MakeCommunicator(CallCheck::kOff, milliseconds(200));
  if (rank() != size() - 1) {
    at::Tensor output = at::empty({size()});
    EXPECT_THAT(MessageOf([&] { victim->AllToAll(at::ones({size()}), output); }),
                ::testing::ContainsRegex("waited 0.2 s for rank .*" + std::to_string(size() - 1)));
  }
  control_->Barrier();
}

TEST_F(MpiFailure, AbortEndsTheWaitsOfThePeersWithItsReason) {
  const std::unique_ptr<Communicator> victim = MakeCommunicator(CallCheck::kOff);
  if (rank() == 1) {
    victim->set_phase("step 5");
    victim->Abort("the disk is full", ExitCode::kStorage);
    EXPECT_THAT(MessageOf([&] { victim->Barrier(); }), HasSubstr("the disk is full"));
  } else {
    EXPECT_THAT(
        MessageOf([&] { victim->Barrier(); }),
        AllOf(HasSubstr("rank 1 failed in phase \"step 5\": the disk is full"), HasSubstr("Barrier")));
    EXPECT_THAT([&] { victim->Barrier(); },
                Throws<CommunicationError>(Property(&CommunicationError::code, ExitCode::kStorage)));
  }
  control_->Barrier();
}

TEST_F(MpiFailure, PeerThatSendsOtherCountsIsNamed) {
  for (const int64_t sent : {1, 3}) {  // expected are 2: too few, and too many
    const std::unique_ptr<Communicator> victim = MakeCommunicator(CallCheck::kOff);
    std::vector<int64_t> send(static_cast<size_t>(size()), 0), expect(static_cast<size_t>(size()), 0);
    if (rank() == 1) send[0] = sent;
    if (rank() == 0) expect[1] = 2;
    at::Tensor output = at::empty({rank() == 0 ? 2 : 0, 3});
    const std::string message = MessageOf([&] {
      victim->AllToAllV(at::ones({rank() == 1 ? sent : 0, 3}), send, output, expect);
    });
    if (rank() == 0) {
      EXPECT_THAT(message,
                  AllOf(HasSubstr("rank 1"), HasSubstr("AllToAllV"),
                        AnyOf(HasSubstr("sent 1 rows where 2 were expected"), HasSubstr("truncated"))));
    }
    control_->Barrier();
  }
}

// With PPR_CHECK_COLLECTIVES=1 every mismatch is named on all ranks, or told to them.
TEST_F(MpiFailure, CheckNamesTheRankWhoseCallDiffers) {
  const int odd_one = size() - 1;
  const std::vector<std::function<void(Communicator&)>> mismatches = {
      [&](Communicator& c) { rank() == odd_one ? c.Barrier() : c.AllReduce(at::ones({2})); },
      [&](Communicator& c) { c.AllReduce(at::ones({rank() == odd_one ? 3 : 2})); },
      [&](Communicator& c) { c.AllReduce(at::ones({2}, rank() == odd_one ? at::kInt : at::kFloat)); },
      [&](Communicator& c) {
        c.AllReduce(at::ones({2}), rank() == odd_one ? ReduceOp::kMax : ReduceOp::kSum);
      },
      [&](Communicator& c) { c.Broadcast(at::ones({2}), rank() == odd_one ? 1 : 0); },
  };
  for (const auto& mismatch : mismatches) {
    const std::unique_ptr<Communicator> victim = MakeCommunicator(CallCheck::kOn);
    EXPECT_THAT(MessageOf([&] { mismatch(*victim); }),
                AllOf(HasSubstr("collectives do not match"),
                      HasSubstr("rank " + std::to_string(odd_one) + " called")));
    control_->Barrier();
  }
}

TEST_F(MpiFailure, CheckNamesThePairWhoseCountsDiffer) {
  const std::unique_ptr<Communicator> victim = MakeCommunicator(CallCheck::kOn);
  std::vector<int64_t> send(static_cast<size_t>(size()), 0), expect(static_cast<size_t>(size()), 0);
  if (rank() == 0) send[1] = 3;
  if (rank() == 1) expect[0] = 2;
  at::Tensor output = at::empty({rank() == 1 ? 2 : 0});
  const std::string message =
      MessageOf([&] { victim->AllToAllV(at::ones({rank() == 0 ? 3 : 0}), send, output, expect); });
  if (rank() == 1) {
    EXPECT_THAT(message, HasSubstr("rank 0 sends 3 rows to rank 1, which expects 2"));
  }
  control_->Barrier();
}

}  // namespace
}  // namespace ppr::dist::test
