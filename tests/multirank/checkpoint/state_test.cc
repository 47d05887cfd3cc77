// The state of training by name: what a model restores is what was stored under the names of its tensors, or
// the reader says what does not fit.
#include "checkpoint/state.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include "base/errors.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/folder.h"
#include "checkpoint/layout.h"
#include "dist/owner_map.h"
#include "support/run_ranks.h"
#include "support/temporary_folder.h"

namespace ppr::checkpoint {
namespace {

using dist::Communicator;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kItems = 23;

// Two parameters of one size, so that only names tell them apart, as views of one flat buffer.
TrainingState StateOf(const Communicator& communicator, double value) {
  const at::Tensor flat = at::arange(12, at::kFloat) + value;
  const int64_t rows = dist::OwnerMap(kItems, communicator.size()).num_rows(communicator.rank());
  const at::Tensor of_rows = at::full({rows, 2}, value, at::kFloat);
  return {{"dense/query", flat.narrow(0, 0, 6).view({2, 3})},
          {"dense/key", flat.narrow(0, 6, 6).view({2, 3})},
          {MomentOf("dense/query", "m"), at::full({2, 3}, value + 1, at::kFloat)},
          {MomentOf("dense/key", "m"), at::full({2, 3}, value + 2, at::kFloat)},
          {kItemRows, of_rows, Cut::kByRows},
          {MomentOf(kItemRows, "m"), of_rows + 1, Cut::kByRows}};
}

void Write(Communicator& communicator, const std::string& run, const TrainingState& state) {
  WriteCheckpoint(communicator, run,
                  {.kind = "pretrain",
                   .run_id = "run",
                   .step = 1,
                   .config_json = "{}",
                   .progress_json = "{}",
                   .dataset_digest = "d",
                   .parent_digest = "",
                   .num_items = kItems,
                   .state = state},
                  {});
}

void Restore(Communicator& communicator, const std::string& run, const TrainingState& state,
             Reading reading) {
  RestoreState(communicator, OpenCheckpoint(communicator, ResolveCheckpoint(communicator, run, kLatest)),
               state, reading);
}

// The error of restoring what `change` makes of the state that was written; the same on all of two ranks.
std::string Refusal(const std::function<void(TrainingState&)>& change, Reading reading = Reading::kResume) {
  const test::TemporaryFolder run;
  std::vector<std::string> messages(2, "no error");
  test::RunRanks(2, [&](Communicator& communicator) {
    Write(communicator, run.path(), StateOf(communicator, 5));
    TrainingState state = StateOf(communicator, 0);
    change(state);
    try {
      Restore(communicator, run.path(), state, reading);
    } catch (const DataError& error) {
      messages[static_cast<size_t>(communicator.rank())] = error.what();
    }
  });
  EXPECT_EQ(messages[0], messages[1]);
  return messages[0];
}

TEST(StateByName, AnotherOrderOfDeclarationsLoadsTheSame) {
  for (const int world_size : {1, 2, 3, 4}) {
    const test::TemporaryFolder run;
    test::RunRanks(world_size, [&](Communicator& communicator) {
      Write(communicator, run.path(), StateOf(communicator, 5));
      TrainingState state = StateOf(communicator, 0);
      std::swap(state[0], state[1]);
      std::swap(state[2], state[5]);
      Restore(communicator, run.path(), state, Reading::kResume);
      const TrainingState expected = StateOf(communicator, 5);
      EXPECT_TRUE(at::equal(state[1].tensor, expected[0].tensor));
      EXPECT_TRUE(at::equal(state[0].tensor, expected[1].tensor));
      EXPECT_TRUE(at::equal(state[5].tensor, expected[2].tensor));
      EXPECT_TRUE(at::equal(state[2].tensor, expected[5].tensor));
      EXPECT_TRUE(at::equal(state[4].tensor, expected[4].tensor));
    });
  }
}

TEST(StateByName, ARenamedTensorIsNamedOnBothSides) {
  EXPECT_THAT(
      Refusal([](auto& state) { state[1].name = "dense/keys"; }),
      AllOf(HasSubstr("tensor \"dense/keys\": expected float32 [2 x 3], found no such tensor, did you "
                      "mean dense/key?"),
            HasSubstr("tensor \"dense/key\": expected no such tensor, found float32 [2 x 3]")));
}

TEST(StateByName, AReshapedTensorIsRefused) {
  EXPECT_THAT(Refusal([](auto& state) {
                state[0].tensor = at::zeros({3, 2});
              }),
              HasSubstr("tensor \"dense/query\": expected float32 [3 x 2], found float32 [2 x 3]"));
  EXPECT_THAT(Refusal([](auto& state) { state[0].tensor = state[0].tensor.to(at::kDouble); }),
              HasSubstr("expected float64 [2 x 3], found float32 [2 x 3]"));
  EXPECT_THAT(Refusal([](auto& state) {
                state[4].tensor = at::zeros({state[4].tensor.size(0), 4});
              }),
              HasSubstr("tensor \"items/rows\": expected float32 [23 x 4], found float32 [23 x 2]"));
}

TEST(StateByName, ADroppedAndAnAddedTensorAreRefused) {
  for (const Reading reading : {Reading::kResume, Reading::kModel}) {
    EXPECT_THAT(Refusal([](auto& state) { state.erase(state.begin()); }, reading),
                HasSubstr("tensor \"dense/query\": expected no such tensor, found float32 [2 x 3]"));
    EXPECT_THAT(Refusal(
                    [](auto& state) {
                      state.push_back({"dense/bias", at::zeros({4})});
                    },
                    reading),
                HasSubstr("tensor \"dense/bias\": expected float32 [4], found no such tensor"));
  }
  // What the optimiser keeps is a resumed run's alone.
  const auto without_moment = [](TrainingState& state) { state.pop_back(); };
  EXPECT_THAT(Refusal(without_moment), HasSubstr("tensor \"optimizer/m/items/rows\": expected no such"));
  EXPECT_EQ(Refusal(without_moment, Reading::kModel), "no error");
}

TEST(StateByName, AllThatDoesNotFitIsSaidAtOnce) {
  EXPECT_THAT(Refusal([](auto& state) {
                state[0].name = "dense/a";
                state[2].name = "optimizer/m/dense/a";
              }),
              AllOf(HasSubstr("\"dense/a\""), HasSubstr("\"dense/query\""),
                    HasSubstr("\"optimizer/m/dense/a\""), HasSubstr("\"optimizer/m/dense/query\"")));
}

// Rows that wait for skipped steps: a reader gets them brought up to date, a resumed run as they were.
TEST(StateByName, RowsThatWaitAreStoredBothWays) {
  for (const int world_size : {1, 2, 3, 4}) {
    const test::TemporaryFolder run;
    test::RunRanks(world_size, [&](Communicator& communicator) {
      TrainingState state = StateOf(communicator, 5);
      state[4].up_to_date = [](int64_t first, const at::Tensor& rows) {
        for (int64_t i = 0; i < rows.size(0); ++i) rows[i].fill_(static_cast<double>(100 + first + i));
      };
      Write(communicator, run.path(), state);
      TrainingState resumed = StateOf(communicator, 0);
      Restore(communicator, run.path(), resumed, Reading::kResume);
      EXPECT_TRUE(resumed[4].tensor.eq(5).all().item<bool>());
      TrainingState read = StateOf(communicator, 0);
      Restore(communicator, run.path(), read, Reading::kModel);
      for (int64_t i = 0; i < read[4].tensor.size(0); ++i)
        EXPECT_TRUE(read[4].tensor[i].eq(100 + i).all().item<bool>());
      EXPECT_TRUE(state[4].tensor.eq(5).all().item<bool>()) << "the live rows are left alone";
    });
  }
}

// More bytes than are made at a time, with rows that do not divide them.
TEST(StateByName, LargeRowsThatAreMadePieceByPiece) {
  const test::TemporaryFolder run;
  constexpr int64_t kMany = 40'000, kWidth = 13;
  test::RunRanks(1, [&](Communicator& communicator) {
    const at::Tensor up_to_date = at::arange(kMany * kWidth, at::kFloat).view({kMany, kWidth});
    StateTensor rows{kItemRows, at::zeros({kMany, kWidth}), Cut::kByRows};
    rows.up_to_date = [&](int64_t first, const at::Tensor& to) {
      to.copy_(up_to_date.narrow(0, first, to.size(0)));
    };
    WriteCheckpoint(communicator, run.path(),
                    {.kind = "pretrain",
                     .run_id = "run",
                     .step = 1,
                     .config_json = "{}",
                     .progress_json = "{}",
                     .dataset_digest = "d",
                     .parent_digest = "",
                     .num_items = kMany,
                     .state = {rows}},
                    {});
    const TrainingState read{{kItemRows, at::zeros({kMany, kWidth}), Cut::kByRows}};
    Restore(communicator, run.path(), read, Reading::kModel);
    EXPECT_TRUE(at::equal(read[0].tensor, up_to_date));
  });
}

// As docs/file-formats.md says, with nothing of ours: a parameter is a dataset of its own name and shape.
TEST(StateByName, AnyHdf5ReaderFindsAParameterByName) {
  const test::TemporaryFolder run;
  test::RunRanks(
      2, [&](Communicator& communicator) { Write(communicator, run.path(), StateOf(communicator, 5)); });
  const std::string path = run / "checkpoints/step_000000000001/shared.h5";
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  ASSERT_GE(file, 0);
  const hid_t dataset = H5Dopen2(file, "dense/key", H5P_DEFAULT);
  ASSERT_GE(dataset, 0);
  const hid_t space = H5Dget_space(dataset);
  hsize_t shape[2] = {};
  EXPECT_EQ(H5Sget_simple_extent_ndims(space), 2);
  EXPECT_EQ(H5Sget_simple_extent_dims(space, shape, nullptr), 2);
  EXPECT_EQ(shape[0] * 10 + shape[1], 23u);
  float values[6] = {};
  EXPECT_GE(H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(values[i], static_cast<float>(6 + i + 5));
  H5Sclose(space);
  H5Dclose(dataset);
  H5Fclose(file);
}

// A deep model: all structure of the file is one block ahead of the tensors, which are not held twice.
TEST(StateByName, ManyTensorsLeaveTheStructureInOneBlock) {
  TrainingState state;
  for (int i = 0; i < 1'000; ++i)
    state.push_back({MomentOf("dense/encoder.block" + std::to_string(i) + ".attention.query.weight", "m"),
                     at::zeros({64})});
  const FileImage image = LayOutTensorFile("unused.h5", state);
  EXPECT_LT(image.structure.size(), 1'100u * 1024u);
  EXPECT_GT(image.regions[1].offset_bytes, 0);
  for (size_t i = 1; i < image.regions.size(); ++i)
    EXPECT_GE(image.regions[i].offset_bytes, static_cast<int64_t>(image.structure.size()));
}

}  // namespace
}  // namespace ppr::checkpoint
