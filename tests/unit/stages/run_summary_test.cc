// summary.json: what programs read of a finished run.
#include "stages/run_summary.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "support/temporary_folder.h"

namespace ppr::stages {
namespace {

using nlohmann::json;

TEST(RunSummary, HoldsTheResultAndTheCountsUnderTheirNames) {
  const test::TemporaryFolder folder;
  const train::StageResult result{.steps = 120,
                                  .metric = "ndcg@10",
                                  .best_metric = 0.4375,
                                  .best_step = 80,
                                  .best_checkpoint = "run/checkpoints/step_000000000080",
                                  .text = "for a person"};
  WriteRunSummary(folder.path(), "tune", result,
                  {.trained = 5'000'000'000, .pretrained = 7, .fresh = 6, .generator = 4});
  EXPECT_EQ(json::parse(test::BytesOfFile(folder / "summary.json")),
            (json{{"stage", "tune"},
                  {"metric", "ndcg@10"},
                  {"best_value", 0.4375},
                  {"best_step", 80},
                  {"steps", 120},
                  {"trained_parameters", 5'000'000'000},
                  {"pretrained_parameters", 7},
                  {"new_parameters", 6},
                  {"generator_parameters", 4}}));
}

TEST(RunSummary, ARunThatWasNotValidatedHasNoBestValue) {
  const test::TemporaryFolder folder;
  WriteRunSummary(folder.path(), "pretrain", {.steps = 3, .best_step = 3, .validated = false}, {});
  const json summary = json::parse(test::BytesOfFile(folder / "summary.json"));
  EXPECT_TRUE(summary.at("best_value").is_null());
  EXPECT_EQ(summary["best_step"], 3);
}

TEST(RunSummary, ReplacesTheOneOfAnEarlierRunAndLeavesNothingElse) {
  const test::TemporaryFolder folder;
  WriteRunSummary(folder.path(), "pretrain", {.steps = 1}, {});
  WriteRunSummary(folder.path(), "pretrain", {.steps = 2}, {});
  EXPECT_EQ(json::parse(test::BytesOfFile(folder / "summary.json"))["steps"], 2);
  EXPECT_EQ(json::parse(test::BytesOfFile(folder / "summary.json"))["generator_parameters"], 0);
  const std::filesystem::directory_iterator files(folder.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(RunSummary, AFolderThatIsNotThereIsAStorageError) {
  EXPECT_THROW(WriteRunSummary("/nonexistent/run", "tune", {}, {}), StorageError);
}

}  // namespace
}  // namespace ppr::stages
