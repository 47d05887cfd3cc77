// Runs that are taken up from their checkpoints, also between two evaluations and with each optimiser, end
// with the bits of runs that were left alone; checkpoints of format 1 are read and resumed.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "checkpoint/folder.h"
#include "stages/stages.h"
#include "stages/stored_recommender.h"
#include "support/run_ranks.h"
#include "support/temporary_folder.h"

namespace ppr::stages {
namespace {

namespace fs = std::filesystem;
using dist::Communicator;

const std::string kFixture = PPR_SOURCE_DIR "/tests/fixtures/checkpoint_format_1";

// The settings of the fixture.
PretrainConfig ConfigOf(const std::string& run, int64_t max_steps) {
  PretrainConfig config;
  train::TrainingConfig& training = config.training;
  training.dataset = kFixture + "/dataset.h5";
  training.output = run;
  training.resume = true;
  training.batch_size = 8;
  training.max_epochs = 1000;
  training.max_steps = max_steps;
  training.learning_rate.warmup_steps = 5;
  training.evaluate_every_steps = 20;
  training.checkpoint_every_steps = 7;
  training.keep_checkpoints = 100;
  training.progress = train::ProgressMode::kNone;
  config.encoder.blocks = 1;
  config.encoder.heads = 2;
  config.encoder.width = config.encoder.ffn_width = 16;
  config.encoder.max_history = 8;
  config.encoder.dropout = 0.1;
  return config;
}

void RunPretrain(int world_size, const PretrainConfig& config) {
  test::RunRanks(world_size, [&](Communicator& communicator) {
    at::set_num_threads(1);
    Pretrain(communicator, config, "");
  });
}

std::string Step(int64_t step) { return checkpoint::CheckpointName{.step = step}.ToText(); }

// A run folder whose newest checkpoint is `folder`.
void StartFrom(const std::string& folder, const std::string& run) {
  const std::string checkpoints = checkpoint::CheckpointsFolder(run);
  fs::create_directories(checkpoints);
  const std::string name = fs::path(folder).filename().string();
  fs::copy(folder, checkpoints + "/" + name, fs::copy_options::recursive);
  const checkpoint::Manifest manifest =
      checkpoint::ParseManifest(checkpoint::ReadManifestText(folder), folder);
  checkpoint::WritePointer(checkpoints, checkpoint::kLatest, {name, manifest.digest});
}

// The model that a checkpoint holds, as whoever scores with it gets it.
struct Restored {
  at::Tensor dense, rows;
};
Restored Restore(const std::string& folder) {
  Restored restored;
  test::RunRanks(1, [&](Communicator& communicator) {
    const data::Dataset dataset = data::ReadDataset(kFixture + "/dataset.h5");
    const auto model =
        RestoreRecommender(communicator, OpenForReading(communicator, folder, dataset), dataset);
    restored = {model->parameters().values().clone(), model->table().rows.clone()};
  });
  return restored;
}

class StageResume : public testing::TestWithParam<std::tuple<optim::OptimiserKind, int>> {};

TEST_P(StageResume, FromAnyCheckpointTheBytesAreTheSame) {
  const auto [kind, world_size] = GetParam();
  const test::TemporaryFolder folder;
  const auto config_of = [&, kind = kind](const std::string& run) {
    PretrainConfig config = ConfigOf(folder / run, 45);
    config.training.optimiser.kind = kind;
    if (kind == optim::OptimiserKind::kAdamW) config.training.optimiser.weight_decay = 0.1;
    return config;
  };
  const auto files = [&, world_size = world_size](const std::string& run) {
    std::string bytes;
    const std::string last = folder / run + "/checkpoints/" + Step(45) + "/";
    for (int rank = 0; rank < world_size; ++rank)
      bytes += test::BytesOfFile(last + checkpoint::ShardFile(rank));
    return bytes + test::BytesOfFile(last + "shared.h5");
  };
  RunPretrain(world_size, config_of("whole"));
  const std::string whole = files("whole");
  PretrainConfig saves_less = config_of("saves_less");
  saves_less.training.checkpoint_every_steps = 0;
  RunPretrain(world_size, saves_less);
  EXPECT_TRUE(whole == files("saves_less")) << "when a run saves is part of its bits";
  for (const int64_t step : {7, 14, 20, 35, 42}) {
    const std::string run = "from" + std::to_string(step);
    StartFrom(folder / "whole/checkpoints/" + Step(step), folder / run);
    RunPretrain(world_size, config_of(run));
    EXPECT_TRUE(whole == files(run)) << "from step " << step;
  }
}

// A reader at any number of ranks finds the rows of a checkpoint between two evaluations where they would be
// had all been brought up to date there.
TEST_P(StageResume, RowsAreStoredUpToDate) {
  const auto [kind, world_size] = GetParam();
  const test::TemporaryFolder folder;
  for (const int64_t max_steps : {14, 20}) {  // 14 is a checkpoint between evaluations, or the end of a run
    PretrainConfig config = ConfigOf(folder / std::to_string(max_steps), max_steps);
    config.training.optimiser.kind = kind;
    RunPretrain(world_size, config);
  }
  const Restored ended = Restore(folder / "14/checkpoints/" + Step(14));
  const Restored between = Restore(folder / "20/checkpoints/" + Step(14));
  EXPECT_TRUE(at::equal(ended.dense, between.dense));
  EXPECT_TRUE(at::equal(ended.rows, between.rows));
}

INSTANTIATE_TEST_SUITE_P(Optimisers, StageResume,
                         testing::Combine(testing::Values(optim::OptimiserKind::kAdam,
                                                          optim::OptimiserKind::kAdamW),
                                          testing::Values(1, 2, 3, 4)));

TEST(CheckpointFormat1, ScoresAsItsWriterDid) {
  const nlohmann::json expected = nlohmann::json::parse(std::ifstream(kFixture + "/metrics_at_step_21.json"));
  for (const int world_size : {1, 2, 3, 4}) {
    test::RunRanks(world_size, [&](Communicator& communicator) {
      at::set_num_threads(1);
      EvaluateConfig config;
      config.dataset = kFixture + "/dataset.h5";
      config.checkpoint = kFixture + "/" + Step(21);
      const EvaluationReport report = Evaluate(communicator, config);
      for (const std::string& name : evaluation::MetricNames()) {
        // Means of ranks: a score that is off by more than rounding changes them by 1e-3 and more.
        EXPECT_NEAR(report.candidates.Named(name), expected["stored_candidates"][name].get<double>(), 1e-9)
            << name;
        EXPECT_NEAR(report.catalogue.Named(name), expected["full_catalogue"][name].get<double>(), 1e-9)
            << name;
      }
    });
  }
}

// The order of parameters in the flat tensors, and moments and last steps of rows, are read as they were
// written: training goes where it went.
TEST(CheckpointFormat1, GoesOnAsItsWriterDid) {
  const Restored expected = Restore(kFixture + "/" + Step(27));
  const Restored start = Restore(kFixture + "/" + Step(21));
  for (const int world_size : {1, 2, 3, 4}) {
    const test::TemporaryFolder folder;
    StartFrom(kFixture + "/" + Step(21), folder.path());
    RunPretrain(world_size, ConfigOf(folder.path(), 27));
    const Restored found = Restore(folder / "checkpoints/" + Step(27));
    // Six steps: sums in another order and another processor's vectors make rounding of it, no more.
    const auto error = [](const at::Tensor& a, const at::Tensor& b, const at::Tensor& from) {
      return ((a - b).norm() / (b - from).norm()).item<double>();
    };
    EXPECT_LT(error(found.dense, expected.dense, start.dense), 1e-4) << world_size;
    EXPECT_LT(error(found.rows, expected.rows, start.rows), 1e-4) << world_size;
    if (world_size == 2) {
      std::printf(
          "same bits as the writer: %s\n",
          at::equal(found.dense, expected.dense) && at::equal(found.rows, expected.rows) ? "yes" : "no");
    }
  }
}

}  // namespace
}  // namespace ppr::stages
