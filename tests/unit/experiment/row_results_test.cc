// Numbers of the tables and their tests, from outputs written by hand.
#include "experiment/row_results.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/durable_file.h"
#include "base/errors.h"
#include "evaluation/paired_comparison.h"
#include "experiment/stage_outputs.h"
#include "sample_experiment.h"
#include "support/temporary_folder.h"

namespace ppr::experiment {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

// A few sums of numbers below one.
constexpr double kRounding = 1e-12;

TEST(StageOutputs, UserMeansAreOverTheUsersCases) {
  const test::TemporaryFolder folder;
  // AUC = 1 - greater / 99.
  test::WriteBytes(
      folder / "cases.tsv",
      "# ppr cases 1\n# dataset d\n# checkpoint -\n# task few_shot\n# rows 3\n"
      "user\tposition\tgreater\tequal\tothers\na\t1\t0\t0\t99\na\t2\t99\t0\t99\nb\t1\t33\t0\t99\n");
  const auto means = ReadUserMeans(folder.path(), {"auc"});
  EXPECT_NEAR(means.at("auc").at("a"), 0.5, kRounding);
  EXPECT_NEAR(means.at("auc").at("b"), 2.0 / 3, kRounding);
}

TEST(StageOutputs, PredictionsAreRightOrWrong) {
  const test::TemporaryFolder folder;
  test::WriteBytes(folder / "predictions.tsv", "user\tlabel\tpredicted\na\tF\tF\nb\tF\tM\n");
  EXPECT_THAT(ReadCorrectPredictions(folder.path()), ElementsAre(Pair("a", 1), Pair("b", 0)));
  test::WriteBytes(folder / "predictions.tsv", "user\tlabel\tpredicted\na F F\n");
  EXPECT_THROW(ReadCorrectPredictions(folder.path()), DataError);
}

TEST(StageOutputs, MissingNumbersAreNamed) {
  const test::TemporaryFolder folder;
  test::WriteBytes(folder / "summary.json", "{\"best_value\": \"high\"}");
  try {
    ReadTrainingSummary(folder.path());
    ADD_FAILURE() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("summary.json: expected a finite number \"best_value\", found \"high\""));
  }
}

TEST(StageOutputs, NothingValidatedIsNoNumber) {
  const test::TemporaryFolder folder;
  const std::string counts =
      ", \"trained_parameters\": 3, \"pretrained_parameters\": 2, \"new_parameters\": 1, "
      "\"generator_parameters\": 0}";
  test::WriteBytes(folder / "summary.json", "{\"best_value\": null" + counts);
  EXPECT_EQ(ReadTrainingSummary(folder.path()).best_value, std::nullopt);
  test::WriteBytes(folder / "summary.json", "{\"best_value\": 0.5" + counts);
  EXPECT_EQ(ReadTrainingSummary(folder.path()).best_value, 0.5);
  test::WriteBytes(folder / "summary.json", "{\"best\": 0.5" + counts);
  EXPECT_THROW(ReadTrainingSummary(folder.path()), DataError);
}

TEST(PrintedNumbers, AreFoundByTableDatasetModelAndMetric) {
  const test::TemporaryFolder folder;
  test::WriteBytes(folder / "printed.csv",
                   "table,dataset,model,setting,metric,value\nt,CIKM,PPR(full),,AUC,0.8774\n");
  const PrintedNumbers printed = PrintedNumbers::Read(folder / "printed.csv");
  EXPECT_EQ(printed.Find({"t", "CIKM", "few-shot", "PPR(full)", "", "AUC"}), 0.8774);
  EXPECT_EQ(printed.Find({"t", "Shop", "few-shot", "PPR(full)", "", "AUC"}), std::nullopt);
  test::WriteBytes(folder / "printed.csv",
                   "table,dataset,model,setting,metric,value\nt,CIKM,PPR(full),,AUC,high\n");
  EXPECT_THROW(PrintedNumbers::Read(folder / "printed.csv"), DataError);
}

// The numbers that ship are those of the paper: spot checks of each table, and how many there are.
TEST(PrintedNumbers, OfThePaper) {
  const PrintedNumbers printed = PrintedNumbers::Read(PPR_SOURCE_DIR "/configs/paper/printed.csv");
  EXPECT_EQ(printed.size(), 9u + 12 + 24 * 9 + 9 * 9 + 9 * 9 + 12 * 9 + 4 * 9 + 2 * 4);
  const auto found = [&](const std::string& table, const std::string& dataset, const std::string& model,
                         const std::string& setting, const std::string& metric) {
    return printed.Find({table, dataset, "", model, setting, metric}).value_or(-1);
  };
  EXPECT_EQ(found("table1_parameters", "QQBrowser", "PPR(light)", "", "%, generator as the only new part"),
            0.25);
  EXPECT_EQ(found("table2_datasets", "AliEC", "dataset", "", "pre-training instances"), 8768915);
  EXPECT_EQ(found("table3_few_shot", "CIKM", "PPR(full)", "", "NDCG@10"), 0.5290);
  EXPECT_EQ(found("table3_few_shot", "AliEC", "MeLU", "", "HIT@50"), 0.9326);
  EXPECT_EQ(found("table4_zero_shot", "AliEC", "fine-tuning", "", "NDCG@50"), 0.4039);
  EXPECT_EQ(found("table5_joint", "QQBrowser", "PPR(light)", "", "HIT@20"), 0.9471);
  EXPECT_EQ(found("table6_universality", "AliEC", "PPR(full)", "on CL4SRec", "NDCG@50"), 0.5757);
  EXPECT_EQ(found("table7_cross_domain", "AliEC:AliAD", "SASRec(target)", "", "HIT@5"), 0.2752);
  EXPECT_EQ(found("table8_profile", "AliEC", "PPR(light)", "occupation", "F1"), 0.54);
}

// Two seeds, two models, two users with given AUCs.
class RowTestsTest : public ::testing::Test {
 protected:
  RowTestsTest() : config_(SampleConfig({"table4_zero_shot"})), store_(folder_.path()) {
    config_.rows.models = {"fine_tune", "ppr_full"};
    expansion_ = ExpandAll(config_, SampleDatasets(config_));
  }

  // greater[user] of 99 others, one case each.
  void Write(size_t row, size_t seed, const std::vector<int>& greater) {
    const Stage& stage = expansion_.plan.stage(expansion_.rows[row].evaluations[seed]);
    CreateFolder(store_.OutputOf(stage));
    std::string cases = "# ppr cases 1\n# dataset d\n# checkpoint -\n# task zero_shot\n# rows " +
                        std::to_string(greater.size()) + "\nuser\tposition\tgreater\tequal\tothers\n";
    for (size_t user = 0; user < greater.size(); ++user)
      cases += "u" + std::to_string(user) + "\t0\t" + std::to_string(greater[user]) + "\t0\t99\n";
    test::WriteBytes(store_.OutputOf(stage) + "/cases.tsv", cases);
    store_.MarkComplete(stage, {.seconds = 1});
  }

  test::TemporaryFolder folder_;
  ExperimentConfig config_;
  StageStore store_;
  Expansion expansion_;
};

TEST_F(RowTestsTest, UsersArePairedAfterSeedsAreAveraged) {
  // AUC differences, in 99ths: user 0: +10 and +20, user 1: +30 and +60, user 2: 0 and 0.
  Write(0, 0, {50, 60, 40});
  Write(0, 1, {50, 60, 40});
  Write(1, 0, {40, 30, 40});
  Write(1, 1, {30, 0, 40});
  const std::vector<TableTests> tests = TestsOfTable("table4_zero_shot", expansion_, store_, {});
  ASSERT_THAT(tests, SizeIs(1));
  ASSERT_THAT(tests[0].tests, SizeIs(2));
  const report::PairedTest& auc = tests[0].tests[1];
  EXPECT_EQ(auc.metric, "AUC");
  EXPECT_EQ(auc.model, "PPR(full)");
  EXPECT_EQ(auc.against, "fine-tuning");
  EXPECT_EQ(tests[0].picked_by, "");
  EXPECT_EQ(auc.users, 3);
  // Means over seeds 15, 45, 0: mean 20, sample variance (25 + 625 + 400) / 2 = 525.
  EXPECT_NEAR(auc.difference, 20.0 / 99, kRounding);
  EXPECT_NEAR(auc.effect_size, 20 / std::sqrt(525.0), kRounding);
  EXPECT_NEAR(auc.p_value, evaluation::StudentTwoSidedP(20 / std::sqrt(525.0 / 3), 2), kRounding);
  // Two tests in the family: the smaller p-value doubles.
  const double smaller = std::min(auc.p_value, tests[0].tests[0].p_value);
  EXPECT_NEAR(std::min(auc.adjusted_p, tests[0].tests[0].adjusted_p), std::min(1.0, 2 * smaller), kRounding);
  EXPECT_THAT(tests[0].marks, SizeIs(2));
}

TEST_F(RowTestsTest, SeedsThatOneModelLacksAreLeftOut) {
  Write(0, 0, {50, 60, 40});
  Write(0, 1, {0, 0, 0});
  Write(1, 0, {40, 30, 40});
  const std::vector<TableTests> tests = TestsOfTable("table4_zero_shot", expansion_, store_, {});
  ASSERT_THAT(tests, SizeIs(1));
  EXPECT_NEAR(tests[0].tests[1].difference, 40.0 / 3 / 99, kRounding);
}

TEST_F(RowTestsTest, WithoutFineTuningTheBestOtherModelIsTheReference) {
  config_ = SampleConfig({"table3_few_shot"});
  config_.rows.models = {"sasrec", "melu", "ppr_full"};
  expansion_ = ExpandAll(config_, SampleDatasets(config_));
  for (size_t seed = 0; seed < 2; ++seed) {
    Write(0, seed, {1, 2});
    Write(1, seed, {3, 4});
    Write(2, seed, {5, 7});
  }
  std::vector<report::ResultRow> rows;
  for (const auto& [model, value] : {std::pair("SASRec", 0.2), std::pair("MeLU", 0.3)})
    rows.push_back({{"table3_few_shot", "Shop", "few-shot", model, "", "NDCG@10"}, 1, value, {}});
  const std::vector<TableTests> tests = TestsOfTable("table3_few_shot", expansion_, store_, rows);
  ASSERT_THAT(tests, SizeIs(1));
  EXPECT_EQ(tests[0].tests[0].against, "MeLU");
  EXPECT_EQ(tests[0].picked_by, "NDCG@10");
}

}  // namespace
}  // namespace ppr::experiment
