// A small checkpoint whose every value follows from (step, name, id, column), so that a reader at any world
// size can tell a row that is out of place.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>

#include "checkpoint/checkpoint.h"
#include "dist/communicator.h"
#include "dist/owner_map.h"

namespace ppr::test {

inline constexpr int64_t kSampleWidth = 3;

// Exact in float32 for ids below 2^14: another value for each (step, id, column).
inline float SampleValue(int64_t step, int64_t id, int64_t column) {
  return static_cast<float>(id) * 4 + static_cast<float>(column) + 0.25F * static_cast<float>(step % 4);
}

// This rank's rows of "items/rows", in slot order.
inline at::Tensor SampleRows(const dist::OwnerMap& owners, int rank, int64_t step) {
  at::Tensor rows = at::empty({owners.num_rows(rank), kSampleWidth}, at::kFloat);
  for (int64_t slot = 0; slot < rows.size(0); ++slot) {
    for (int64_t c = 0; c < kSampleWidth; ++c) {
      rows.mutable_data_ptr<float>()[slot * kSampleWidth + c] = SampleValue(step, owners.id(rank, slot), c);
    }
  }
  return rows;
}

inline at::Tensor SampleLastStep(const dist::OwnerMap& owners, int rank) {
  at::Tensor last_step = at::empty({owners.num_rows(rank)}, at::kLong);
  for (int64_t slot = 0; slot < last_step.numel(); ++slot) {
    last_step.mutable_data_ptr<int64_t>()[slot] = owners.id(rank, slot) + (int64_t{1} << 40);
  }
  return last_step;
}

inline checkpoint::CheckpointContents SampleContents(const dist::Communicator& communicator,
                                                     int64_t num_items, int64_t step) {
  const dist::OwnerMap owners(num_items, communicator.size());
  checkpoint::CheckpointContents contents{
      .kind = "pretrain",
      .run_id = "run-7",
      .step = step,
      .config_json = R"({"width": 3, "learning_rate": 0.001, "name": "größer"})",
      .progress_json = R"({"epoch": 2, "metric": -1e-08})",
      .dataset_digest = "d0d0",
      .parent_digest = "",
      .num_items = num_items};
  contents.state = {
      {"dense/values", at::arange(7, at::kFloat) + static_cast<double>(step)},
      {"dense/scale", at::full({}, 0.1, at::kDouble)},
      {"cursor", at::arange(4, at::kLong).view({2, 2})},
      {"items/rows", SampleRows(owners, communicator.rank(), step), checkpoint::Cut::kByRows},
      {"items/last_step", SampleLastStep(owners, communicator.rank()), checkpoint::Cut::kByRows}};
  return contents;
}

// What SampleContents lists, at this world size, with nothing in it yet.
inline checkpoint::TrainingState EmptySample(const dist::Communicator& communicator, int64_t num_items) {
  checkpoint::TrainingState state = SampleContents(communicator, num_items, 0).state;
  for (checkpoint::StateTensor& entry : state) entry.tensor.zero_();
  return state;
}

// Collective. Restores `checkpoint` and expects what SampleContents wrote, at the reader's world size.
inline void ExpectSample(const checkpoint::StoredCheckpoint& checkpoint, dist::Communicator& communicator,
                         int64_t num_items) {
  const checkpoint::TrainingState found = EmptySample(communicator, num_items);
  checkpoint::RestoreState(communicator, checkpoint, found, checkpoint::Reading::kResume);
  const checkpoint::TrainingState expected =
      SampleContents(communicator, num_items, checkpoint.manifest.step).state;
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(at::equal(found[i].tensor, expected[i].tensor)) << expected[i].name;
}

}  // namespace ppr::test
