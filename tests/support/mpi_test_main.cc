#include "support/mpi_test_main.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

namespace ppr::test {
namespace {

dist::MpiSession* session_of_main = nullptr;

// Ranks other than 0 say nothing but their failures, each line of which tells the rank.
class FailurePrinter : public ::testing::EmptyTestEventListener {
 public:
  explicit FailurePrinter(int rank) : rank_(rank) {}

  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "rank %d: %s:%d: %s\n", rank_,
                 result.file_name() == nullptr ? "?" : result.file_name(), result.line_number(),
                 result.summary());
  }

 private:
  int rank_;
};

// A verdict that all ranks share, so that mpirun and ctest see a failure of any.
int RunOnAllRanks() {
  const std::unique_ptr<dist::Communicator> communicator =
      session_of_main->MakeWorldCommunicator({.deadline = std::chrono::seconds(60)});
  if (communicator->rank() != 0) {
    ::testing::TestEventListeners& listeners = ::testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailurePrinter(communicator->rank()));
  }
  const int own_verdict = RUN_ALL_TESTS();
  return dist::AllOk(*communicator, own_verdict == 0) ? 0 : 1;
}

}  // namespace

dist::MpiSession& TestSession() { return *session_of_main; }

}  // namespace ppr::test

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  ppr::dist::MpiSession session;
  ppr::test::session_of_main = &session;
  return ppr::test::RunOnAllRanks();
}
