// What is refused before anything starts, and with which words.
#include "experiment/experiment_config.h"

#include <gmock/gmock.h>

#include "experiment/experiment_settings.h"
#include "sample_experiment.h"
#include "support/temporary_folder.h"
#include "unit/experiment/sample_flags.h"

namespace ppr::experiment {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ExperimentConfig, EveryProblemIsNamedAtOnce) {
  ExperimentConfig config = SampleConfig({"table3_fewshot", "table4_zero_shot", "table4_zero_shot"});
  config.rows.models = {"ppr_ful"};
  config.rows.bases = {"gru"};
  config.seeds = {};
  config.learning_rates = {};
  config.rows.shots = {};
  config.tune = {{"method", "ppr_full"}, {"learning_rate", "1"}};
  config.printed = "/nowhere.csv";
  config.output = "";
  EXPECT_THAT(
      config.Problems(),
      ElementsAre(HasSubstr("found \"table3_fewshot\", did you mean table3_few_shot?"),
                  "tables: expected each name once, found table4_zero_shot twice",
                  AllOf(HasSubstr("models: "), HasSubstr("did you mean ppr_full?")), HasSubstr("bases: "),
                  HasSubstr("seeds: "), HasSubstr("ks: "), HasSubstr("learning_rates: "),
                  HasSubstr("output: "), HasSubstr("printed: "),
                  "tune_flags: expected no --learning_rate, which the experiment sets; use --learning_rates",
                  "tune_flags: expected no --method, which the experiment sets; use --models"));
}

TEST(ExperimentConfig, AFieldIsPredictedOnce) {
  ExperimentConfig config = SampleConfig({"table8_profile"});
  const std::string dataset = config.datasets.front().name;
  config.rows.predict_fields = {"age", dataset + ":gender", "Other:age"};
  EXPECT_THAT(config.Problems(), IsEmpty());
  config.rows.predict_fields.push_back(dataset + ":age");
  EXPECT_THAT(config.Problems(),
              ElementsAre("predict_fields: expected each field of a dataset once, found age twice"));
}

TEST(ExperimentConfig, ATableNeedsItsKindOfDataset) {
  EXPECT_THAT(SampleConfig({"table7_cross_domain"}).Problems(),
              ElementsAre(AllOf(HasSubstr("two domains"), HasSubstr("SOURCE:TARGET=source.h5:target.h5"))));
  EXPECT_THAT(SampleConfig({"table8_profile"}).Problems(), ElementsAre(HasSubstr("predict_fields: ")));
  // Among others that have something to show, such a table is left out of the work and named in the report.
  EXPECT_THAT(SampleConfig({"table3_few_shot", "table7_cross_domain"}).Problems(), IsEmpty());
  ExperimentConfig config = SampleConfig({"table7_cross_domain"});
  config.datasets = {{"A:B", {"a.h5", "b.h5"}}};
  EXPECT_THAT(config.Problems(), IsEmpty());
  config.rows.models = {"melu"};
  EXPECT_THAT(SampleConfig({"table1_parameters"}).Problems(), IsEmpty());
}

// Given by a person these would make a row another model or task than its head says.
TEST(ExperimentConfig, FlagsThatMakeARowAreRefused) {
  ExperimentConfig config = SampleConfig({"table3_few_shot"});
  config.pretrain = {{"profile_model", "false"}, {"shots", "3"}, {"width", "16"}};
  config.tune = {{"prompt", "shared"}, {"shots", "3"}};
  config.evaluate = {{"part", "cold_dev"}, {"shots", "3"}};
  EXPECT_THAT(
      config.Problems(),
      ElementsAre(AllOf(HasSubstr("pretrain_flags: expected no --profile_model"), HasSubstr("from scratch")),
                  AllOf(HasSubstr("pretrain_flags: expected no --shots"), HasSubstr("use --tables=figure4")),
                  AllOf(HasSubstr("tune_flags: expected no --prompt,"), HasSubstr("--models=shared_prompt")),
                  HasSubstr("tune_flags: expected no --shots"),
                  AllOf(HasSubstr("evaluate_flags: expected no --part"), HasSubstr("test users")),
                  HasSubstr("evaluate_flags: expected no --shots")));
}

TEST(ExperimentConfig, WhatATableVariesIsRefusedThereAlone) {
  ExperimentConfig config = SampleConfig({"table3_few_shot"});
  config.tune = {{"views", "prompt"}, {"prompt_tokens", "2"}, {"contrastive_weight", "0"}};
  EXPECT_THAT(config.Problems(), IsEmpty());
  config.tables.push_back("prompt_length");
  EXPECT_THAT(config.Problems(),
              ElementsAre(AllOf(HasSubstr("no --prompt_tokens, which prompt_length varies"),
                                HasSubstr("--prompt_lengths"))));
  config.tables = {"figure3_ablation"};
  EXPECT_THAT(config.Problems(), ElementsAre(HasSubstr("no --views, which figure3_ablation varies"),
                                             HasSubstr("--contrastive_weight above 0")));
  config.tune = {{"contrastive_weight", "0.01"}};
  EXPECT_THAT(config.Problems(), IsEmpty());
}

TEST(ExperimentConfig, OnlyPreparationsSplitBySeed) {
  ExperimentConfig config = SampleConfig({"table3_few_shot"});
  config.datasets = {{"Shop", {"shop.h5"}}, {"Raw", {"raw.flags"}}};
  config.split_by_seed = true;
  EXPECT_THAT(config.Problems(), ElementsAre(AllOf(HasSubstr("split_by_seed: "), HasSubstr("Shop"),
                                                   HasSubstr("shop.h5"), HasSubstr("NAME=prepare.flags"))));
}

TEST(ExperimentConfig, EveryModelHasARow) {
  ExperimentConfig config = SampleConfig({"table3_few_shot", "table4_zero_shot"});
  config.rows.models = {"table3_few_shot:melu", "table4_zero_shot:melu", "fine_tune"};
  EXPECT_THAT(config.Problems(), IsEmpty()) << "one model in two tables";
  config.rows.models = {"fine_tune", "fine_tune"};
  EXPECT_THAT(config.Problems(), ElementsAre("models: expected each name once, found fine_tune twice"));
  config.rows.models = {"fine_tune", "minet", "table5_joint:ppr_full"};
  EXPECT_THAT(config.Problems(), ElementsAre(HasSubstr("models: minet has no row"),
                                             HasSubstr("models: table5_joint:ppr_full has no row")));
}

TEST(ExperimentConfig, AFieldOfAnotherDatasetIsNoted) {
  ExperimentConfig config = SampleConfig({"table3_few_shot", "table8_profile"});
  config.rows.predict_fields = {"gender", "Shop:age", "AliEC:occupation"};
  EXPECT_THAT(config.Problems(), IsEmpty());
  EXPECT_THAT(config.Notes(), ElementsAre(HasSubstr("AliEC:occupation is not predicted")));
  config.tables = {"table3_few_shot"};
  EXPECT_THAT(config.Notes(), IsEmpty());
}

TEST(ExperimentConfig, FlagsOfStagesAreCheckedByTheirCommand) {
  std::vector<std::string> problems;
  ExperimentSettings given;
  given.pretrain_flags = "--drop_out=3";
  given.tune_flags = "--norm pre --b=maybe";
  const ExperimentConfig config = ConfigOf(given, SampleFlags, "ppr", problems);
  EXPECT_THAT(problems, ElementsAre("unknown flag --drop_out (pretrain_flags), did you mean --dropout?",
                                    HasSubstr("--b=maybe (tune_flags): expected true or false")));
  EXPECT_EQ(config.tune, (StageFlags{{"norm", "pre"}}));
}

TEST(Datasets, NamesAndPathsPair) {
  std::vector<std::string> problems;
  const std::vector<DatasetSpec> specs = ParseDatasets("CIKM=a/b.h5, X:Y=x.h5:y.flags", problems);
  ASSERT_EQ(specs.size(), 2u);
  EXPECT_EQ(specs[0].name, "CIKM");
  EXPECT_THAT(specs[0].paths, ElementsAre("a/b.h5"));
  EXPECT_THAT(specs[1].paths, ElementsAre("x.h5", "y.flags"));
  EXPECT_TRUE(specs[1].crosses_domains());
  EXPECT_THAT(problems, IsEmpty());
  ParseDatasets("a.h5,A=,A=b:c,X:Y=x.h5,A:B:C=a:b:c,D=d,D=e", problems);
  EXPECT_EQ(problems.size(), 7u) << "five malformed ones, and the names A and D twice";
}

TEST(Datasets, FilesAreKnownByTheirContents) {
  const test::TemporaryFolder folder;
  test::WriteBytes(folder / "prepare.flags",
                   "--interactions=clicks.csv\n--users=a.csv,b.csv\n--protocol=threshold\n");
  std::vector<std::string> problems;
  const FileDigest digest_of = [](const std::string& path) {
    if (path == "gone.h5") throw StorageError("cannot look at gone.h5: no such file");
    return "D(" + path + ")";
  };
  const DatasetInput prepared =
      ResolveDataset({"P", {folder / "prepare.flags"}}, digest_of, SampleFlags, problems);
  const Domain& domain = prepared.target();
  EXPECT_TRUE(domain.prepared());
  EXPECT_EQ(domain.prepare, (StageFlags{{"protocol", "threshold"}}));
  ASSERT_EQ(domain.raw.size(), 2u);
  EXPECT_EQ(domain.raw[0].digest, "clicks.csv:D(clicks.csv)");
  EXPECT_EQ(domain.raw[1].digest, "a.csv:D(a.csv) b.csv:D(b.csv)");
  EXPECT_EQ(domain.raw[1].value, "a.csv,b.csv");
  EXPECT_THAT(problems, IsEmpty());
  test::WriteBytes(folder / "empty.flags", "--protocol=threshold\nclicks.csv\n");
  ResolveDataset({"E", {folder / "empty.flags"}}, digest_of, SampleFlags, problems);
  ResolveDataset({"G", {"gone.h5"}}, digest_of, SampleFlags, problems);
  EXPECT_THAT(problems, ElementsAre(HasSubstr("empty.flags:2: expected --name=value"),
                                    HasSubstr("G: cannot look at gone.h5")));
}

TEST(Numbers, AreWholeAndOnce) {
  std::vector<std::string> problems;
  EXPECT_THAT(ParseNumbers("1, 5,10", "ks", 1, problems), ElementsAre("1", "5", "10"));
  EXPECT_THAT(problems, IsEmpty());
  ParseNumbers("0,1.5,2,2,x", "ks", 1, problems);
  EXPECT_EQ(problems.size(), 4u);
}

}  // namespace
}  // namespace ppr::experiment
