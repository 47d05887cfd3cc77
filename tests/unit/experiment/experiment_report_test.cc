// What the report says about results written by hand.
#include "experiment/experiment_report.h"

#include <gmock/gmock.h>

#include "report/markdown.h"
#include "sample_experiment.h"

namespace ppr::experiment {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

report::PairedTest Marked(const std::string& setting, const std::string& against, double difference) {
  return {.model = "PPR(full)",
          .setting = setting,
          .metric = "AUC",
          .against = against,
          .users = 9,
          .difference = difference,
          .adjusted_p = 0.01};
}

TEST(ExperimentReport, AVerdictNamesEachReferenceWithItsSettings) {
  const ExperimentConfig config = SampleConfig({"table6_universality"});
  ExperimentResults results;
  for (const std::string setting : {"on CL4SRec", "on GRU4Rec"})
    results.rows.push_back(
        {{"table6_universality", "Shop", "few-shot", "PPR(full)", setting, "AUC"}, 1, 0.5, {}});
  TableTests tests{.table = "table6_universality", .dataset = "Shop"};
  tests.marks = tests.tests = {Marked("on CL4SRec", "fine-tuning", 1), Marked("on GRU4Rec", "pre-train", -1)};
  results.tests = {tests};
  EXPECT_THAT(
      report::MarkdownReport(MakeReport(config, results)),
      HasSubstr("Shop: of 1 tests of PPR against fine-tuning, 1 better, 0 worse, 0 without a difference "
                "shown (on CL4SRec); of 1 tests of PPR against pre-train, 0 better, 1 worse, 0 without a "
                "difference shown (on GRU4Rec)."));
}

TEST(ExperimentReport, CountsOfSplitsNameTheirSeed) {
  ExperimentConfig config = SampleConfig({"table2_datasets"});
  config.seeds = {7, 8};
  ExperimentResults results;
  results.rows.push_back({{"table2_datasets", "Shop", "statistics", "dataset", "", "users"}, 7, 90, {}});
  EXPECT_THAT(report::MarkdownReport(MakeReport(config, results)), Not(HasSubstr("counts are those")));
  config.split_by_seed = true;
  EXPECT_THAT(report::MarkdownReport(MakeReport(config, results)), HasSubstr("counts are those of seed 7."));
}

}  // namespace
}  // namespace ppr::experiment
