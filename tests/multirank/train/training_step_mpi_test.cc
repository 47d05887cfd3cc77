// As training_step_test.cc, with real processes: the ranks that mpirun started against one rank in this
// process.
#include <gtest/gtest.h>

#include "support/mpi_test_main.h"
#include "training_trace.h"

namespace ppr::train {
namespace {

void ExpectSameUnderMpi(const Setting& setting) {
  const std::unique_ptr<dist::Communicator> communicator =
      test::TestSession().MakeWorldCommunicator({.deadline = std::chrono::seconds(60)});
  const Trace many = TrainOn(*communicator, setting);
  ExpectSame(many, TrainOnThreads(setting, 1), communicator->size(), setting);
}

TEST(WorldSizeInvarianceUnderMpi, Pretrain) { ExpectSameUnderMpi({.kind = Kind::kPretrain}); }
TEST(WorldSizeInvarianceUnderMpi, LightWithContrastiveLoss) { ExpectSameUnderMpi({.kind = Kind::kLight}); }
TEST(WorldSizeInvarianceUnderMpi, FullWithContrastiveLoss) {
  ExpectSameUnderMpi({.kind = Kind::kFull, .targets = data::TargetClicks::kAll});
}
TEST(WorldSizeInvarianceUnderMpi, MoreRanksThanSequencesAndItems) {
  ExpectSameUnderMpi({.kind = Kind::kPretrain,
                      .batch_size = 1,
                      .steps = 40,
                      .data = {.users = 40, .items = 3, .num_candidates = 1}});
}

}  // namespace
}  // namespace ppr::train
