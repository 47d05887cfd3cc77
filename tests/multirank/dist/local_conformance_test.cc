// The conformance suite on ranks that are threads, and how that backend fails.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <tuple>

#include "base/errors.h"
#include "multirank/dist/conformance_cases.h"
#include "multirank/dist/row_exchange_cases.h"
#include "support/run_ranks.h"

namespace ppr::dist::test {
namespace {

using ::ppr::test::RunRanks;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Property;
using ::testing::Throws;

class LocalConformance : public ::testing::TestWithParam<std::tuple<int, ConformanceCase>> {};

TEST_P(LocalConformance, Holds) {
  const auto& [world_size, conformance_case] = GetParam();
  RunRanks(world_size, conformance_case.body);
}

std::string NameOf(const ::testing::TestParamInfo<LocalConformance::ParamType>& parameters) {
  return std::get<1>(parameters.param).name + std::to_string(std::get<0>(parameters.param));
}

INSTANTIATE_TEST_SUITE_P(Threads, LocalConformance,
                         ::testing::Combine(::testing::Values(1, 2, 3, 4),
                                            ::testing::ValuesIn(ConformanceCases())),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(RowExchange, LocalConformance,
                         ::testing::Combine(::testing::Values(1, 2, 3, 4),
                                            ::testing::ValuesIn(RowExchangeCases())),
                         NameOf);

TEST(SingleRankCommunicator, IsARankOfOne) {
  const std::unique_ptr<Communicator> communicator = MakeSingleRankCommunicator();
  EXPECT_EQ(communicator->rank(), 0);
  EXPECT_EQ(communicator->size(), 1);
  for (const ConformanceCase& conformance_case : ConformanceCases()) conformance_case.body(*communicator);
}

// The message of the error that `call` throws on this rank, or "" when it throws nothing.
template <typename ErrorType = CommunicationError, typename Call>
std::string MessageOf(Call call) {
  try {
    call();
  } catch (const ErrorType& error) {
    return error.what();
  }
  return "";
}

// Sums in rank order: (1 + 2^24) - 2^24 is 0 in float32, 1 + (2^24 - 2^24) would be 1.
TEST(LocalFailure, SumsAreFormedInRankOrder) {
  RunRanks(3, [](Communicator& communicator) {
    const float values[] = {1.0F, 16777216.0F, -16777216.0F};
    at::Tensor tensor = at::full({5}, values[communicator.rank()], at::kFloat);
    communicator.AllReduce(tensor);
    EXPECT_TRUE(at::equal(tensor, at::zeros({5}))) << tensor;
    at::Tensor scattered = at::empty({1}, at::kFloat);
    communicator.ReduceScatter(at::full({3}, values[communicator.rank()], at::kFloat), scattered);
    EXPECT_TRUE(at::equal(scattered, at::zeros({1}))) << scattered;
  });
}

TEST(LocalFailure, ErrorOfOneRankWakesTheOthersAndIsRethrown) {
  std::atomic<int> woken = 0;
  EXPECT_THAT(
      [&] {
        RunRanks(3, [&](Communicator& communicator) {
          communicator.set_phase("step 7");
          if (communicator.rank() == 1) throw DataError("row 12 is broken");
          const std::string message = MessageOf([&] { communicator.Barrier(); });
          EXPECT_THAT(message, AllOf(HasSubstr("Barrier"), HasSubstr("rank 1 failed in phase \"step 7\""),
                                     HasSubstr("row 12 is broken"),
                                     HasSubstr("rank " + std::to_string(communicator.rank()) + " of 3")));
          ++woken;
        });
      },
      ::testing::ThrowsMessage<DataError>("row 12 is broken"));
  EXPECT_EQ(woken, 2);
}

TEST(LocalFailure, RankThatNeverComesIsNamedAtTheDeadline) {
  std::atomic<bool> released = false;
  RunRanks(
      3,
      [&](Communicator& communicator) {
        if (communicator.rank() == 2) {
          while (!released) std::this_thread::sleep_for(std::chrono::milliseconds(1));
          return;
        }
        communicator.set_phase("step 3 forward");
        const std::string message = MessageOf([&] { communicator.AllReduce(at::ones({4})); });
        EXPECT_THAT(message,
                    AllOf(HasSubstr("AllReduce(sum) Float [4]"), HasSubstr("phase \"step 3 forward\""),
                          HasSubstr("waited 0.2 s for rank 2")));
        // From now on the communicator only throws.
        EXPECT_THROW(communicator.Barrier(), CommunicationError);
        released = true;
      },
      std::chrono::milliseconds(200));
}

TEST(LocalFailure, WaitForARankThatHasEndedFailsBeforeTheDeadline) {
  RunRanks(2, [](Communicator& communicator) {
    if (communicator.rank() == 1) return;
    EXPECT_THAT(MessageOf([&] { communicator.Barrier(); }),
                HasSubstr("rank 0 waits for rank 1, which has ended"));
  });
}

TEST(LocalFailure, AbortWakesTheOthers) {
  RunRanks(2, [](Communicator& communicator) {
    if (communicator.rank() == 1) return communicator.Abort("the disk is full", ExitCode::kStorage);
    EXPECT_THAT(MessageOf([&] { communicator.Barrier(); }), HasSubstr("rank 1 failed: the disk is full"));
    EXPECT_THAT([&] { communicator.Barrier(); },
                Throws<CommunicationError>(Property(&CommunicationError::code, ExitCode::kStorage)));
  });
}

// Each rank calls `call`; all must throw an error that names the two calls.
void ExpectMismatch(int world_size, const std::function<void(Communicator&)>& call,
                    const std::string& expected) {
  std::atomic<int> failed = 0;
  RunRanks(world_size, [&](Communicator& communicator) {
    const std::string message = MessageOf([&] { call(communicator); });
    EXPECT_THAT(message, HasSubstr(expected));
    failed += message.empty() ? 0 : 1;
  });
  EXPECT_EQ(failed, world_size);
}

TEST(LocalFailure, DifferentCallsAreAnErrorOnAllRanks) {
  ExpectMismatch(
      3,
      [](Communicator& communicator) {
        if (communicator.rank() == 1) return communicator.Barrier();
        communicator.AllReduce(at::ones({2}));
      },
      "rank 1 called Barrier");
}

TEST(LocalFailure, DifferentShapesDtypesCountsAndRootsAreAnErrorOnAllRanks) {
  ExpectMismatch(
      2, [](Communicator& communicator) { communicator.AllReduce(at::ones({2 + communicator.rank()})); },
      "rank 1 called AllReduce(sum) Float [3]");
  ExpectMismatch(
      2,
      [](Communicator& communicator) {
        communicator.AllReduce(at::ones({2}, communicator.rank() == 0 ? at::kFloat : at::kInt));
      },
      "rank 1 called AllReduce(sum) Int [2]");
  ExpectMismatch(
      2, [](Communicator& communicator) { communicator.Broadcast(at::ones({2}), communicator.rank()); },
      "rank 1 called Broadcast from rank 1");
  ExpectMismatch(
      2,
      [](Communicator& communicator) {
        const std::vector<int64_t> counts =
            communicator.rank() == 0 ? std::vector<int64_t>{1, 2} : std::vector<int64_t>{2, 2};
        const int64_t own = counts[static_cast<size_t>(communicator.rank())];
        communicator.AllGatherV(at::ones({own}), at::empty({counts[0] + counts[1]}), counts);
      },
      "rank 1 called AllGatherV Float [*] counts [2, 2]");
  ExpectMismatch(
      2,
      [](Communicator& communicator) {
        const std::vector<int64_t> send =
            communicator.rank() == 0 ? std::vector<int64_t>{0, 3} : std::vector<int64_t>{0, 0};
        const std::vector<int64_t> recv =
            communicator.rank() == 0 ? std::vector<int64_t>{0, 0} : std::vector<int64_t>{2, 0};
        communicator.AllToAllV(at::ones({send[1]}), send, at::empty({recv[0]}), recv);
      },
      "rank 0 sends 3 rows to rank 1, which expects 2");
}

TEST(ArgumentCheck, WrongArgumentsAreBugsThatNameTheArgument) {
  const std::unique_ptr<Communicator> communicator = MakeSingleRankCommunicator();
  const auto message_of = [](auto call) { return MessageOf<BugError>(call); };
  const at::Tensor square = at::ones({3, 3});
  EXPECT_THAT(message_of([&] { communicator->AllReduce(square.t()); }), HasSubstr("not contiguous"));
  EXPECT_THAT(message_of([&] { communicator->AllReduce(at::Tensor()); }), HasSubstr("undefined"));
  EXPECT_THAT(message_of([&] { communicator->AllReduce(at::scalar_tensor(1)); }), HasSubstr("scalar"));
  EXPECT_THAT(message_of([&] { communicator->AllReduce(at::ones({2}, at::kByte)); }),
              HasSubstr("dtype Byte"));
  EXPECT_THAT(message_of([&] { communicator->AllGather(square, square); }), HasSubstr("overlap"));
  EXPECT_THAT(message_of([&] {
                communicator->AllGather(square, at::ones({3, 3}, at::kInt));
              }),
              HasSubstr("Int"));
  EXPECT_THAT(message_of([&] {
                communicator->AllGather(square, at::ones({3, 4}));
              }),
              HasSubstr("rows differ"));
  EXPECT_THAT(message_of([&] {
                communicator->AllGatherV(square, at::ones({4, 3}), {4});
              }),
              HasSubstr("counts[0]"));
  EXPECT_THAT(message_of([&] {
                communicator->AllGatherV(square, at::ones({3, 3}), {1, 2});
              }),
              HasSubstr("2 counts"));
  EXPECT_THAT(message_of([&] {
                communicator->ReduceScatter(square, at::ones({2, 3}));
              }),
              HasSubstr("3 rows"));
  EXPECT_THAT(message_of([&] {
                communicator->AllToAllV(square, {2}, at::ones({3, 3}), {3});
              }),
              HasSubstr("send counts add up to 2"));
  EXPECT_THAT(message_of([&] {
                communicator->AllToAllV(square, {3}, at::ones({3, 3}), {-3});
              }),
              HasSubstr("negative"));
  EXPECT_THAT(message_of([&] { communicator->Broadcast(square, 1); }), HasSubstr("root 1"));
  // A refused call leaves the communicator whole.
  EXPECT_NO_THROW(communicator->Barrier());
}

}  // namespace
}  // namespace ppr::dist::test
