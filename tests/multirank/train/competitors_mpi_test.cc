// As competitors_test.cc, with real processes: the ranks that mpirun started against one rank in this
// process.
#include <gtest/gtest.h>

#include "competitor_trace.h"
#include "support/mpi_test_main.h"

namespace ppr::train {
namespace {

class CompetitorsUnderMpi : public testing::TestWithParam<Trained> {};

void ExpectSameUnderMpi(const TrainedSetting& setting) {
  const std::unique_ptr<dist::Communicator> communicator =
      test::TestSession().MakeWorldCommunicator({.deadline = std::chrono::seconds(60)});
  const Trace many = Train(*communicator, setting);
  ExpectSameTraining(many, TrainOnThreads(setting, 1), communicator->size());
}

TEST_P(CompetitorsUnderMpi, AreTheSameAsOnOneRank) { ExpectSameUnderMpi({.what = GetParam()}); }

TEST_P(CompetitorsUnderMpi, WithMoreRanksThanSequences) {
  ExpectSameUnderMpi({.what = GetParam(), .batch_size = 1, .steps = 12, .targets = data::TargetClicks::kAll});
}

INSTANTIATE_TEST_SUITE_P(All, CompetitorsUnderMpi, testing::ValuesIn(EveryTrained()), NameOfTrained);

}  // namespace
}  // namespace ppr::train
