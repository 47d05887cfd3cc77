// The conformance suite under mpirun, plain, with transfers split, and with the call check; and how this
// backend fails.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <tuple>

#include "multirank/dist/conformance_cases.h"
#include "multirank/dist/row_exchange_cases.h"
#include "support/mpi_test_main.h"

namespace ppr::dist::test {
namespace {

using ::ppr::test::TestSession;

enum class Mode { kPlain, kSplit, kChecked };

std::unique_ptr<Communicator> MakeCommunicator(Mode mode) {
  setenv("PPR_CHECK_COLLECTIVES", mode == Mode::kChecked ? "1" : "0", /*replace=*/1);
  return TestSession().MakeWorldCommunicator(
      {.deadline = std::chrono::seconds(30)},
      mode == Mode::kSplit ? kLoweredTransferLimit : MpiSession::kDefaultMaxTransfer);
}

class MpiConformance : public ::testing::TestWithParam<std::tuple<Mode, ConformanceCase>> {};

TEST_P(MpiConformance, Holds) {
  const auto& [mode, conformance_case] = GetParam();
  const std::unique_ptr<Communicator> communicator = MakeCommunicator(mode);
  conformance_case.body(*communicator);
  communicator->Barrier();
}

std::string NameOf(const ::testing::TestParamInfo<MpiConformance::ParamType>& parameters) {
  const char* const modes[] = {"Plain", "Split", "Checked"};
  return std::get<1>(parameters.param).name + modes[static_cast<int>(std::get<0>(parameters.param))];
}

INSTANTIATE_TEST_SUITE_P(Mpi, MpiConformance,
                         ::testing::Combine(::testing::Values(Mode::kPlain, Mode::kSplit, Mode::kChecked),
                                            ::testing::ValuesIn(ConformanceCases())),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(RowExchange, MpiConformance,
                         ::testing::Combine(::testing::Values(Mode::kPlain, Mode::kSplit, Mode::kChecked),
                                            ::testing::ValuesIn(RowExchangeCases())),
                         NameOf);

// Long enough for MPI's bandwidth algorithms, which order their sums in another way than the short ones.
TEST(MpiSums, LongSumsRepeatTheirBits) {
  const std::unique_ptr<Communicator> communicator = MakeCommunicator(Mode::kPlain);
  const at::Tensor index = at::arange(300'007, at::kFloat);
  const at::Tensor input = at::sin(index * (1.0 + communicator->rank())) * at::pow(10.0, index.remainder(7));
  at::Tensor first = input.clone();
  communicator->AllReduce(first);
  at::Tensor again = input.clone();
  communicator->AllReduce(again);
  EXPECT_TRUE(at::equal(first, again));
  at::Tensor of_root = first.clone();
  communicator->Broadcast(of_root, 0);
  EXPECT_TRUE(at::equal(first, of_root)) << "rank " << communicator->rank() << " has other sums than rank 0";
}

TEST(MpiSession, RanksOfOneMachineAreNumberedAlone) {
  const std::unique_ptr<Communicator> communicator = MakeCommunicator(Mode::kPlain);
  EXPECT_EQ(TestSession().local_rank(), communicator->rank());
  EXPECT_EQ(LaunchedByMpi(), communicator->size() > 1);
}

}  // namespace
}  // namespace ppr::dist::test
