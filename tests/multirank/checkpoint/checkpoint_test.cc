// Checkpoints on ranks: written at one world size and read at another, committed, rotated, refused when ranks
// disagree.
#include "checkpoint/checkpoint.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <thread>

#include "base/errors.h"
#include "support/checkpoint_sample.h"
#include "support/run_ranks.h"
#include "support/temporary_folder.h"

namespace ppr::checkpoint {
namespace {

namespace fs = std::filesystem;
using dist::Communicator;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::UnorderedElementsAre;

constexpr int64_t kItems = 101;

std::string StepFolder(const std::string& run, int64_t step) {
  char name[32];
  std::snprintf(name, sizeof(name), "step_%012lld", static_cast<long long>(step));
  return run + "/checkpoints/" + name;
}

// Writes the sample of `step` at `world_size`; returns the manifest's digest.
std::string WriteSample(const std::string& run, int world_size, int64_t step, CheckpointOptions options = {},
                        int64_t num_items = kItems) {
  std::string digest;
  test::RunRanks(world_size, [&](Communicator& communicator) {
    const std::string mine =
        WriteCheckpoint(communicator, run, test::SampleContents(communicator, num_items, step), options);
    if (communicator.rank() == 0) digest = mine;
  });
  return digest;
}

// Reads at `world_size` what `pointer` names and expects the sample of `step`.
void ExpectSampleAt(const std::string& run, int world_size, const std::string& pointer, int64_t step,
                    int64_t num_items = kItems) {
  test::RunRanks(world_size, [&](Communicator& communicator) {
    const StoredCheckpoint loaded =
        OpenCheckpoint(communicator, ResolveCheckpoint(communicator, run, pointer));
    EXPECT_EQ(loaded.manifest.step, step);
    test::ExpectSample(loaded, communicator, num_items);
  });
}

// The error of `body` at `world_size`, which must be the same on all ranks.
template <typename ErrorType>
std::string ErrorOnAllRanks(int world_size, const std::function<void(Communicator&)>& body) {
  std::vector<std::string> messages(static_cast<size_t>(world_size), "no error");
  test::RunRanks(world_size, [&](Communicator& communicator) {
    try {
      body(communicator);
    } catch (const ErrorType& error) {
      messages[static_cast<size_t>(communicator.rank())] = error.what();
    }
  });
  for (const std::string& message : messages) EXPECT_EQ(message, messages[0]);
  return messages[0];
}

std::set<std::string> NamesIn(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

std::set<std::string> StepsKept(const std::string& run) {
  std::set<std::string> names;
  for (const std::string& name : NamesIn(run + "/checkpoints")) {
    if (name.starts_with("step_")) names.insert(name.substr(5));
  }
  return names;
}

class EveryPair : public testing::TestWithParam<std::tuple<int, int, int64_t>> {};

TEST_P(EveryPair, EachRowIsWhereItBelongs) {
  const auto [from, to, num_items] = GetParam();
  const test::TemporaryFolder run;
  const std::string digest = WriteSample(run.path(), from, 8, {}, num_items);
  test::RunRanks(to, [&, from = from, num_items = num_items](Communicator& communicator) {
    const std::string folder = ResolveCheckpoint(communicator, run.path(), "LATEST");
    EXPECT_EQ(folder, StepFolder(run.path(), 8));
    const StoredCheckpoint loaded = OpenCheckpoint(communicator, folder);
    EXPECT_EQ(loaded.manifest.digest, digest);
    EXPECT_EQ(loaded.manifest.world_size, from);
    test::ExpectSample(loaded, communicator, num_items);
  });
}

// 2 items leave ranks of W = 3 and 4 without a row.
INSTANTIATE_TEST_SUITE_P(Worlds, EveryPair,
                         testing::Combine(testing::Values(1, 2, 3, 4), testing::Values(1, 2, 3, 4),
                                          testing::Values(2, kItems)));

TEST(Checkpoint, KeepsWhatTheStageRecorded) {
  const test::TemporaryFolder run;
  const std::string parent(32, 'a');
  test::RunRanks(2, [&](Communicator& communicator) {
    CheckpointContents contents = test::SampleContents(communicator, kItems, 3);
    contents.kind = "tune";
    contents.parent_digest = parent;
    contents.progress_json = communicator.rank() == 0 ? R"({"epoch": 5})" : R"({"epoch": 5, "seconds": 1})";
    WriteCheckpoint(communicator, run.path(), contents, {});
    const StoredCheckpoint loaded = OpenCheckpoint(communicator, StepFolder(run.path(), 3) + "/");
    EXPECT_EQ(loaded.manifest.kind, "tune");
    EXPECT_EQ(loaded.manifest.run_id, "run-7");
    EXPECT_EQ(loaded.manifest.parent_digest, parent);
    EXPECT_EQ(loaded.manifest.dataset_digest, "d0d0");
    EXPECT_EQ(loaded.manifest.num_items, kItems);
    EXPECT_EQ(loaded.manifest.progress_json, R"({"epoch":5})");
    EXPECT_EQ(loaded.manifest.config_json, R"({"learning_rate":0.001,"name":"größer","width":3})");
  });
}

TEST(Checkpoint, SameStateGivesSameBytes) {
  const test::TemporaryFolder one, two;
  const std::string first = WriteSample(one.path(), 2, 4);
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // past the granularity of HDF5's time stamps
  EXPECT_EQ(WriteSample(two.path(), 2, 4), first);
  for (const char* file : {"manifest.json", "shared.h5", "shard_0000.h5", "shard_0001.h5"}) {
    EXPECT_TRUE(test::BytesOfFile(StepFolder(one.path(), 4) + "/" + file) ==
                test::BytesOfFile(StepFolder(two.path(), 4) + "/" + file))
        << file;
  }
}

TEST(Checkpoint, LeavesNoHdf5IdOpen) {
  const test::TemporaryFolder run;
  WriteSample(run.path(), 3, 4);
  ExpectSampleAt(run.path(), 2, "LATEST", 4);
  EXPECT_EQ(H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
}

TEST(Rotation, KeepsTheNewestAndTheBest) {
  const test::TemporaryFolder run;
  WriteSample(run.path(), 2, 10);
  WriteSample(run.path(), 2, 20, {.mark_best = true});
  for (const int64_t step : {30, 40, 50}) WriteSample(run.path(), 2, step);
  EXPECT_THAT(StepsKept(run.path()), ElementsAre("000000000020", "000000000040", "000000000050"));
  ExpectSampleAt(run.path(), 1, "LATEST", 50);
  ExpectSampleAt(run.path(), 1, "BEST", 20);
  WriteSample(run.path(), 2, 60, {.keep = 3, .mark_best = true});
  EXPECT_THAT(StepsKept(run.path()), ElementsAre("000000000040", "000000000050", "000000000060"));
  ExpectSampleAt(run.path(), 1, "BEST", 60);
}

TEST(Rotation, LeavesAloneWhatIsNotItsOwn) {
  const test::TemporaryFolder run;
  WriteSample(run.path(), 1, 1);
  const std::string checkpoints = run / "checkpoints";
  fs::copy(StepFolder(run.path(), 1), checkpoints + "/my_copy", fs::copy_options::recursive);
  fs::create_directory(StepFolder(run.path(), 0));  // the form of a name, but no checkpoint
  fs::create_directory(checkpoints + "/step_9.tmp");
  test::RunRanks(1, [&](Communicator& communicator) {  // another run's
    CheckpointContents contents = test::SampleContents(communicator, kItems, 2);
    contents.run_id = "run-8";
    WriteCheckpoint(communicator, run.path(), contents, {});
  });
  for (const int64_t step : {3, 4, 5}) WriteSample(run.path(), 1, step);
  EXPECT_THAT(NamesIn(checkpoints),
              UnorderedElementsAre("LATEST", "my_copy", "step_000000000000", "step_9.tmp",
                                   "step_000000000002", "step_000000000004", "step_000000000005"));
}

TEST(Rotation, LeavesCheckpointsOfALaterStepAlone) {
  const test::TemporaryFolder run;
  WriteSample(run.path(), 1, 10, {.mark_best = true});
  for (const int64_t step : {100, 200}) WriteSample(run.path(), 1, step);
  WriteSample(run.path(), 1, 20);  // went on from step 10
  WriteSample(run.path(), 1, 30);
  EXPECT_THAT(StepsKept(run.path()),
              IsSupersetOf({"000000000020", "000000000030", "000000000100", "000000000200"}));
  ExpectSampleAt(run.path(), 1, "LATEST", 30);
}

TEST(Commit, RemovesWhatACrashLeftBehind) {
  const test::TemporaryFolder run;
  WriteSample(run.path(), 2, 1);
  for (const char* left :
       {"step_000000000002.tmp", "step_000000000007.tmp", "step_000000000000.discarded.tmp"}) {
    fs::create_directories(run / "checkpoints/" + left);
    test::WriteBytes(run / "checkpoints/" + left + "/shard_0000.h5", "half a file");
  }
  WriteSample(run.path(), 2, 2);
  EXPECT_THAT(NamesIn(run / "checkpoints"),
              UnorderedElementsAre("LATEST", "step_000000000001", "step_000000000002"));
  ExpectSampleAt(run.path(), 3, "LATEST", 2);
}

TEST(Commit, ReplacesACheckpointThatNoPointerNames) {
  const test::TemporaryFolder run;
  WriteSample(run.path(), 2, 1);
  WriteSample(run.path(), 3, 2);
  // As after a crash between the rename and the pointer: step 2 has its name, LATEST still says 1.
  const std::string pointer_to_2 = test::BytesOfFile(run / "checkpoints/LATEST");
  const std::string digest_1 = WriteSample(run.path(), 2, 1);
  test::WriteBytes(run / "checkpoints/LATEST", "step_000000000001 " + digest_1 + "\n");
  ExpectSampleAt(run.path(), 1, "LATEST", 1);
  WriteSample(run.path(), 2, 2);
  EXPECT_THAT(StepsKept(run.path()), ElementsAre("000000000001", "000000000002"));
  test::RunRanks(1, [&](Communicator& communicator) {
    EXPECT_EQ(OpenCheckpoint(communicator, StepFolder(run.path(), 2)).manifest.world_size, 2);
  });
  EXPECT_NE(test::BytesOfFile(run / "checkpoints/LATEST"), pointer_to_2);
}

TEST(Commit, NeverReplacesACheckpointThatAPointerNames) {
  const test::TemporaryFolder run;
  WriteSample(run.path(), 2, 5, {.mark_best = true});
  const auto written = fs::last_write_time(StepFolder(run.path(), 5) + "/manifest.json");
  WriteSample(run.path(), 2, 5);  // the same bytes: nothing to do
  EXPECT_THAT(StepsKept(run.path()), ElementsAre("000000000005"));
  EXPECT_EQ(fs::last_write_time(StepFolder(run.path(), 5) + "/manifest.json"), written);
  WriteSample(run.path(), 3, 5);  // other bytes: beside it
  EXPECT_THAT(StepsKept(run.path()), ElementsAre("000000000005", "000000000005_2"));
  test::RunRanks(2, [&](Communicator& communicator) {
    EXPECT_EQ(
        OpenCheckpoint(communicator, ResolveCheckpoint(communicator, run.path(), "BEST")).manifest.world_size,
        2);
    EXPECT_EQ(OpenCheckpoint(communicator, ResolveCheckpoint(communicator, run.path(), "LATEST"))
                  .manifest.world_size,
              3);
  });
}

TEST(Commit, NeverReplacesWhatIsNotOfTheRun) {
  const test::TemporaryFolder run;
  fs::create_directories(StepFolder(run.path(), 5));
  test::WriteBytes(StepFolder(run.path(), 5) + "/notes.txt", "mine");
  WriteSample(run.path(), 2, 5);
  EXPECT_EQ(test::BytesOfFile(StepFolder(run.path(), 5) + "/notes.txt"), "mine");
  EXPECT_THAT(StepsKept(run.path()), ElementsAre("000000000005", "000000000005_2"));
  ExpectSampleAt(run.path(), 2, "LATEST", 5);
}

// The pending folder's name is taken by a file, which stops any user, root too.
TEST(WriteFailure, EveryRankNamesTheRankAndTheOldCheckpointStands) {
  const test::TemporaryFolder run;
  WriteSample(run.path(), 3, 1);
  test::WriteBytes(run / "checkpoints/step_000000000002.tmp", "a file, not a folder");
  EXPECT_THAT(ErrorOnAllRanks<StorageError>(3,
                                            [&](Communicator& communicator) {
                                              WriteCheckpoint(communicator, run.path(),
                                                              test::SampleContents(communicator, kItems, 2),
                                                              {});
                                            }),
              testing::AllOf(HasSubstr("rank 0"), HasSubstr("step_000000000002.tmp")));
  ExpectSampleAt(run.path(), 2, "LATEST", 1);
  EXPECT_THAT(StepsKept(run.path()), ElementsAre("000000000001", "000000000002.tmp"));
}

TEST(WriteFailure, RanksThatDisagreeWriteNothing) {
  const test::TemporaryFolder run;
  const auto message = [&](const std::function<void(CheckpointContents&)>& change) {
    return ErrorOnAllRanks<BugError>(3, [&](Communicator& communicator) {
      CheckpointContents contents = test::SampleContents(communicator, kItems, 2);
      if (communicator.rank() == 2) change(contents);
      WriteCheckpoint(communicator, run.path(), contents, {});
    });
  };
  EXPECT_THAT(message([](auto& contents) { contents.state[0].tensor[3] += 1e-6; }),
              testing::AllOf(HasSubstr("shared tensor dense/values float32 [7]"), HasSubstr("rank 2 has")));
  EXPECT_THAT(message([](auto& contents) { contents.step = 3; }),
              HasSubstr("rank 0 has \"step 2\", rank 2 has \"step 3\""));
  EXPECT_THAT(message([](auto& contents) { contents.state.pop_back(); }),
              HasSubstr("row tensor items/last_step"));
  EXPECT_THAT(message([](auto& contents) {
                contents.state[3].tensor = contents.state[3].tensor.slice(0, 1).contiguous();
              }),
              HasSubstr("items/rows must have 33 rows on rank 2, found float32 [32 x 3]"));
  EXPECT_THAT(message([](auto& contents) { contents.state[1].name = "../escape"; }),
              HasSubstr("not a tensor name"));
  EXPECT_THAT(message([](auto& contents) { contents.state[1].name = "cursor"; }),
              HasSubstr("two tensors are named cursor"));
  EXPECT_THAT(message([](auto& contents) { contents.state[3].tensor = contents.state[3].tensor.t(); }),
              HasSubstr("must be contiguous"));
  EXPECT_FALSE(fs::exists(run / "checkpoints"));
}

TEST(Resolve, SaysWhatItExpectedAndFound) {
  const test::TemporaryFolder run;
  const auto message = [&](const std::string& path, const std::string& pointer) {
    return ErrorOnAllRanks<DataError>(
        2, [&](Communicator& communicator) { ResolveCheckpoint(communicator, path, pointer); });
  };
  EXPECT_THAT(message(run / "absent", "BEST"), HasSubstr("no checkpoint at " + run / "absent"));
  WriteSample(run.path(), 2, 1);
  EXPECT_THAT(message(run.path(), "BEST"), HasSubstr("a run folder with checkpoints/BEST, found neither"));
  fs::copy(StepFolder(run.path(), 1), StepFolder(run.path(), 2) + ".tmp", fs::copy_options::recursive);
  EXPECT_THAT(message(StepFolder(run.path(), 2) + ".tmp/", "LATEST"), HasSubstr("was never committed"));
  fs::rename(StepFolder(run.path(), 1), StepFolder(run.path(), 3));
  EXPECT_THAT(message(run.path(), "LATEST"),
              testing::AllOf(HasSubstr("checkpoints/LATEST"), HasSubstr("step_000000000001")));
  fs::remove(run / "checkpoints/LATEST");
  fs::create_symlink(run / "checkpoints/LATEST", run / "checkpoints/LATEST");
  EXPECT_THAT(message(run.path(), "LATEST"), HasSubstr("LATEST"));
}

}  // namespace
}  // namespace ppr::checkpoint
