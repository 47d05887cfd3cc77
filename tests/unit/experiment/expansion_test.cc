// Which stages a table becomes: whole lists, written out by hand.
#include "experiment/expansion.h"

#include <gmock/gmock.h>

#include "sample_experiment.h"

namespace ppr::experiment {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::vector<std::string> StagesOf(const ExperimentConfig& config) {
  return Described(ExpandAll(config, SampleDatasets(config)).plan);
}

TEST(Expansion, FewShotOfOneSeed) {
  ExperimentConfig config = SampleConfig({"table3_few_shot"});
  config.seeds = {7};
  EXPECT_THAT(
      StagesOf(config),
      ElementsAre(
          "pretrain learning_rate=1e-3 model=bert4rec profile_model=true seed=7 task=few_shot "
          "train_users=all | "
          "dataset=shop.h5",
          "pretrain learning_rate=1e-3 model=sasrec profile_model=true seed=7 task=few_shot train_users=all "
          "| "
          "dataset=shop.h5",
          "pretrain learning_rate=1e-3 model=melu profile_model=true seed=7 task=few_shot train_users=all | "
          "dataset=shop.h5",
          "pretrain learning_rate=1e-3 model=cl4srec profile_model=true seed=7 task=few_shot train_users=all "
          "| "
          "dataset=shop.h5",
          "pretrain model=sasrec seed=7 train_users=warm | dataset=shop.h5",
          "tune learning_rate=1e-4 method=fine_tune new_learning_rate=1e-3 seed=7 task=few_shot | "
          "checkpoint=#4 dataset=shop.h5",
          "tune method=ppr_light new_learning_rate=1e-3 seed=7 task=few_shot | checkpoint=#4 dataset=shop.h5",
          "tune learning_rate=1e-4 method=ppr_full new_learning_rate=1e-3 seed=7 task=few_shot | "
          "checkpoint=#4 dataset=shop.h5",
          "evaluate full_catalogue=false task=few_shot | checkpoint=#0 dataset=shop.h5",
          "evaluate full_catalogue=false task=few_shot | checkpoint=#1 dataset=shop.h5",
          "evaluate full_catalogue=false task=few_shot | checkpoint=#2 dataset=shop.h5",
          "evaluate full_catalogue=false task=few_shot | checkpoint=#3 dataset=shop.h5",
          "evaluate full_catalogue=false task=few_shot | checkpoint=#4 dataset=shop.h5",
          "evaluate full_catalogue=false task=few_shot | checkpoint=#5 dataset=shop.h5",
          "evaluate full_catalogue=false task=few_shot | checkpoint=#6 dataset=shop.h5",
          "evaluate full_catalogue=false task=few_shot | checkpoint=#7 dataset=shop.h5"));
}

TEST(Expansion, AModelOfOneTableStaysThere) {
  RowSettings settings;
  settings.models = {"table3_few_shot:melu", "ppr_full"};
  EXPECT_THAT(ModelsOf(*FindTable("table3_few_shot"), settings), ElementsAre("melu", "ppr_full"));
  EXPECT_THAT(ModelsOf(*FindTable("table5_joint"), settings), ElementsAre("ppr_full"));
  ExperimentConfig config = SampleConfig({"table3_few_shot"});
  config.rows.models = {"table3_few_shot:mellu"};
  EXPECT_THAT(config.Problems(), Contains(HasSubstr("melu")));
}

TEST(Expansion, ControlsComeWhenAskedFor) {
  ExperimentConfig config = SampleConfig({"table4_zero_shot"});
  config.rows.models = {"fine_tune", "popularity", "shared_prompt"};
  // A baseline trains nothing and does not depend on the seed: one evaluation serves both.
  EXPECT_THAT(
      StagesOf(config),
      ElementsAre("pretrain model=sasrec seed=1 train_users=warm | dataset=shop.h5",
                  "tune learning_rate=1e-4 method=ppr_full new_learning_rate=1e-3 prompt=shared seed=1 "
                  "task=zero_shot "
                  "views=behaviour | checkpoint=#0 dataset=shop.h5",
                  "pretrain model=sasrec seed=2 train_users=warm | dataset=shop.h5",
                  "tune learning_rate=1e-4 method=ppr_full new_learning_rate=1e-3 prompt=shared seed=2 "
                  "task=zero_shot "
                  "views=behaviour | checkpoint=#2 dataset=shop.h5",
                  "tune learning_rate=1e-4 method=fine_tune new_learning_rate=1e-3 seed=1 task=zero_shot | "
                  "checkpoint=#0 "
                  "dataset=shop.h5",
                  "tune learning_rate=1e-4 method=fine_tune new_learning_rate=1e-3 seed=2 task=zero_shot | "
                  "checkpoint=#2 "
                  "dataset=shop.h5",
                  "evaluate baseline=popularity full_catalogue=false task=zero_shot | dataset=shop.h5",
                  "evaluate full_catalogue=false task=zero_shot | checkpoint=#1 dataset=shop.h5",
                  "evaluate full_catalogue=false task=zero_shot | checkpoint=#3 dataset=shop.h5",
                  "evaluate full_catalogue=false task=zero_shot | checkpoint=#4 dataset=shop.h5",
                  "evaluate full_catalogue=false task=zero_shot | checkpoint=#5 dataset=shop.h5"));
}

TEST(Expansion, AblationVariesThePrompts) {
  ExperimentConfig config = SampleConfig({"figure3_ablation"});
  config.seeds = {1};
  config.rows.models = {"fine_tune", "ppr_light"};
  const Expansion expansion = ExpandTraining(config, SampleDatasets(config));
  EXPECT_THAT(
      Described(expansion.plan),
      ElementsAre(
          "pretrain model=sasrec seed=1 train_users=warm | dataset=shop.h5",
          "tune learning_rate=1e-4 method=fine_tune new_learning_rate=1e-3 seed=1 task=few_shot | "
          "checkpoint=#0 "
          "dataset=shop.h5",
          "tune method=ppr_light new_learning_rate=1e-3 seed=1 task=few_shot | checkpoint=#0 dataset=shop.h5",
          "tune contrastive_weight=0 method=ppr_light new_learning_rate=1e-3 seed=1 task=few_shot | "
          "checkpoint=#0 "
          "dataset=shop.h5",
          "tune method=ppr_light new_learning_rate=1e-3 seed=1 task=few_shot views=prompt | checkpoint=#0 "
          "dataset=shop.h5",
          "tune method=ppr_light new_learning_rate=1e-3 seed=1 task=few_shot views=behaviour | checkpoint=#0 "
          "dataset=shop.h5",
          "tune method=ppr_light new_learning_rate=1e-3 prompt=shared seed=1 task=few_shot views=behaviour | "
          "checkpoint=#0 dataset=shop.h5"));
  // The whole is tested against fine-tuning first, then against each variant; a variant against fine-tuning.
  EXPECT_THAT(expansion.rows[0].row.references, IsEmpty());
  EXPECT_THAT(expansion.rows[1].row.references, ElementsAre(0, 2, 3, 4, 5));
  EXPECT_THAT(expansion.rows[4].row.references, ElementsAre(0));
}

// A weight that is given is that of all variants but the one without the loss.
TEST(Expansion, AVariantKeepsWhatMakesItOne) {
  ExperimentConfig config = SampleConfig({"figure3_ablation"});
  config.seeds = {1};
  config.rows.models = {"ppr_light"};
  config.tune = {{"contrastive_weight", "0.01"}, {"views", "prompt"}, {"prompt", "personal"}};
  const std::vector<std::string> stages = StagesOf(config);
  EXPECT_THAT(stages[1], AllOf(HasSubstr("contrastive_weight=0.01"), HasSubstr("views=prompt")));
  EXPECT_THAT(stages[2], AllOf(HasSubstr("contrastive_weight=0 "), HasSubstr("views=prompt")));
  EXPECT_THAT(stages[3], AllOf(HasSubstr("contrastive_weight=0.01"), HasSubstr("views=behaviour")));
  EXPECT_THAT(stages[4], AllOf(HasSubstr("prompt=shared"), HasSubstr("views=behaviour")));
  config = SampleConfig({"figure4_sparsity", "prompt_length"});
  config.seeds = {1};
  config.rows.models = {"ppr_light"};
  config.rows.shots = {"5"};
  config.rows.prompt_lengths = {"4"};
  config.tune = {{"shots", "2"}, {"prompt_tokens", "3"}};
  config.evaluate = {{"shots", "2"}};
  EXPECT_THAT(StagesOf(config),
              ElementsAre(HasSubstr("pretrain"), HasSubstr("shots=5"), HasSubstr("prompt_tokens=4"),
                          HasSubstr("shots=5"), HasSubstr("shots=2")))
      << "and lengths and shots come from the tables";
}

TEST(Expansion, PointsFromScratchDifferInTheRateThatCounts) {
  ExperimentConfig config = SampleConfig({"table3_few_shot"});
  config.rows.models = {"sasrec"};
  config.scratch_learning_rates = {{"1e-4", "1e-3"}, {"3e-4", "1e-3"}, {"1e-4", "3e-3"}};
  const Expansion expansion = ExpandTraining(config, SampleDatasets(config));
  ASSERT_THAT(expansion.rows[0].candidates, SizeIs(2));
  EXPECT_EQ(expansion.rows[0].candidates[0].rate, "1e-3");
  EXPECT_EQ(expansion.rows[0].candidates[1].rate, "3e-3");
}

TEST(Expansion, SparsityCropsTuningAndEvaluation) {
  ExperimentConfig config = SampleConfig({"figure4_sparsity"});
  config.seeds = {1};
  config.rows.models = {"fine_tune", "ppr_light"};
  EXPECT_THAT(
      StagesOf(config),
      ElementsAre(
          "pretrain model=sasrec seed=1 train_users=warm | dataset=shop.h5",
          "tune learning_rate=1e-4 method=fine_tune new_learning_rate=1e-3 seed=1 shots=1 task=few_shot | "
          "checkpoint=#0 dataset=shop.h5",
          "tune method=ppr_light new_learning_rate=1e-3 seed=1 shots=1 task=few_shot | checkpoint=#0 "
          "dataset=shop.h5",
          "tune learning_rate=1e-4 method=fine_tune new_learning_rate=1e-3 seed=1 shots=5 task=few_shot | "
          "checkpoint=#0 dataset=shop.h5",
          "tune method=ppr_light new_learning_rate=1e-3 seed=1 shots=5 task=few_shot | checkpoint=#0 "
          "dataset=shop.h5",
          "evaluate full_catalogue=false shots=1 task=few_shot | checkpoint=#1 dataset=shop.h5",
          "evaluate full_catalogue=false shots=1 task=few_shot | checkpoint=#2 dataset=shop.h5",
          "evaluate full_catalogue=false shots=5 task=few_shot | checkpoint=#3 dataset=shop.h5",
          "evaluate full_catalogue=false shots=5 task=few_shot | checkpoint=#4 dataset=shop.h5"));
}

TEST(Expansion, CrossDomainTunesASourceModelOnTheTarget) {
  ExperimentConfig config = SampleConfig({"table7_cross_domain"});
  config.datasets = {{"A:B", {"a.h5", "b.h5"}}};
  config.seeds = {1};
  EXPECT_THAT(
      StagesOf(config),
      ElementsAre(
          "pretrain learning_rate=1e-3 model=sasrec profile_model=true seed=1 task=few_shot train_users=all "
          "| "
          "dataset=b.h5",
          "pretrain learning_rate=1e-3 model=minet profile_model=true seed=1 task=few_shot train_users=all | "
          "dataset=b.h5 "
          "source_dataset=a.h5",
          "pretrain model=sasrec seed=1 train_users=warm | dataset=a.h5",
          "tune learning_rate=1e-4 method=fine_tune new_learning_rate=1e-3 seed=1 task=few_shot | "
          "checkpoint=#2 "
          "dataset=b.h5 source_dataset=a.h5",
          "tune learning_rate=1e-4 method=ppr_full new_learning_rate=1e-3 seed=1 task=few_shot | "
          "checkpoint=#2 "
          "dataset=b.h5 source_dataset=a.h5",
          "evaluate full_catalogue=false task=few_shot | checkpoint=#0 dataset=b.h5",
          "evaluate full_catalogue=false task=few_shot | checkpoint=#1 dataset=b.h5 source_dataset=a.h5",
          "evaluate full_catalogue=false task=few_shot | checkpoint=#3 dataset=b.h5",
          "evaluate full_catalogue=false task=few_shot | checkpoint=#4 dataset=b.h5"));
}

TEST(Expansion, ProfileFieldsAreThoseOfTheDataset) {
  ExperimentConfig config = SampleConfig({"table8_profile"});
  config.datasets = {{"Shop", {"shop.h5"}}, {"Ads", {"ads.h5"}}};
  config.rows.predict_fields = {"gender", "Ads:age"};
  config.rows.models = {"ppr_light"};
  config.seeds = {1};
  EXPECT_THAT(
      StagesOf(config),
      ElementsAre("pretrain model=sasrec seed=1 train_users=warm | dataset=shop.h5",
                  "tune method=ppr_light new_learning_rate=1e-3 predict_field=gender seed=1 task=profile | "
                  "checkpoint=#0 dataset=shop.h5",
                  "pretrain model=sasrec seed=1 train_users=warm | dataset=ads.h5",
                  "tune method=ppr_light new_learning_rate=1e-3 predict_field=gender seed=1 task=profile | "
                  "checkpoint=#2 dataset=ads.h5",
                  "tune method=ppr_light new_learning_rate=1e-3 predict_field=age seed=1 task=profile | "
                  "checkpoint=#2 dataset=ads.h5",
                  "evaluate | checkpoint=#1 dataset=shop.h5", "evaluate | checkpoint=#3 dataset=ads.h5",
                  "evaluate | checkpoint=#4 dataset=ads.h5"));
}

TEST(Expansion, UniversalityRepeatsOnEachBase) {
  ExperimentConfig config = SampleConfig({"table6_universality"});
  config.seeds = {1};
  config.rows.bases = {"cl4srec", "gru4rec"};
  config.rows.models = {"pretrain", "fine_tune"};
  const Expansion expansion = ExpandTraining(config, SampleDatasets(config));
  EXPECT_THAT(
      Described(expansion.plan),
      ElementsAre("pretrain model=cl4srec seed=1 train_users=warm | dataset=shop.h5",
                  "tune learning_rate=1e-4 method=fine_tune new_learning_rate=1e-3 seed=1 task=few_shot | "
                  "checkpoint=#0 dataset=shop.h5",
                  "pretrain model=gru4rec seed=1 train_users=warm | dataset=shop.h5",
                  "tune learning_rate=1e-4 method=fine_tune new_learning_rate=1e-3 seed=1 task=few_shot | "
                  "checkpoint=#2 dataset=shop.h5"));
  EXPECT_EQ(expansion.rows[2].row.setting, "on GRU4Rec");
}

TEST(Expansion, CountsOfParametersTakeOneSeedAndNoEvaluation) {
  ExperimentConfig config = SampleConfig({"table1_parameters"});
  config.learning_rates = {{"1", "1"}, {"2", "2"}};
  const std::vector<std::string> stages = StagesOf(config);
  EXPECT_THAT(stages, SizeIs(4));
  EXPECT_THAT(stages, Each(AllOf(HasSubstr("seed=1"), Not(HasSubstr("evaluate")))));
}

TEST(Expansion, EveryRateOfASearchIsTrainedAndEqualWorkOnce) {
  ExperimentConfig config = SampleConfig({"table3_few_shot"});
  config.seeds = {1};
  config.rows.models = {"sasrec", "ppr_light", "ppr_full"};
  config.learning_rates = {{"1e-4", "1e-3"}, {"3e-4", "1e-3"}, {"1e-4", "3e-3"}};
  const Expansion expansion = ExpandTraining(config, SampleDatasets(config));
  // From scratch and with a frozen base only the rate of new parameters counts: two of three points differ.
  EXPECT_THAT(expansion.rows[0].candidates, SizeIs(2));
  EXPECT_THAT(expansion.rows[1].candidates, SizeIs(2));
  EXPECT_THAT(expansion.rows[2].candidates, SizeIs(3));
  EXPECT_THAT(expansion.plan.stages(), SizeIs(1 + 2 + 2 + 3));
  config.scratch_learning_rates = {{"5", "5"}};
  EXPECT_THAT(
      StagesOf(config),
      Contains(
          "pretrain learning_rate=5 model=sasrec profile_model=true seed=1 task=few_shot train_users=all | "
          "dataset=shop.h5"));
}

TEST(Expansion, TablesShareStages) {
  ExperimentConfig both = SampleConfig({"table3_few_shot", "figure3_ablation", "prompt_length"});
  both.rows.models = {"fine_tune", "ppr_full"};
  both.seeds = {1};
  // One base; fine-tuning and whole PPR(full) once for three tables; four variants; one longer prompt.
  EXPECT_THAT(ExpandTraining(both, SampleDatasets(both)).plan.stages(), SizeIs(1 + 2 + 4 + 1));
}

TEST(Expansion, GivenFlagsWin) {
  ExperimentConfig config = SampleConfig({"table4_zero_shot"});
  config.seeds = {1};
  config.rows.models = {"ppr_light"};
  config.pretrain = {{"width", "16"}, {"learning_rate", "0.01"}};
  config.tune = {{"contrastive_weight", "0.01"}};
  config.evaluate = {{"full_catalogue", "true"}};
  EXPECT_THAT(
      StagesOf(config),
      ElementsAre(
          "pretrain learning_rate=0.01 model=sasrec seed=1 train_users=warm width=16 | dataset=shop.h5",
          "tune contrastive_weight=0.01 method=ppr_light new_learning_rate=1e-3 seed=1 "
          "task=zero_shot | checkpoint=#0 dataset=shop.h5",
          "evaluate full_catalogue=true task=zero_shot | checkpoint=#1 dataset=shop.h5"));
}

TEST(Expansion, DatasetsArePreparedFirst) {
  ExperimentConfig config = SampleConfig({"table2_datasets"});
  config.datasets = {{"Raw", {"raw.flags"}}, {"Raw:Ads", {"raw.flags", "ads.flags"}}};
  const Domain raw{.path = "",
                   .digest = "",
                   .prepare = {{"protocol", "threshold"}},
                   .raw = {{.flag = "interactions", .value = "clicks.csv", .digest = "c"}}};
  const Domain ads{.path = "",
                   .digest = "",
                   .prepare = {},
                   .raw = {{.flag = "interactions", .value = "ads.csv", .digest = "a"}}};
  const std::vector<DatasetInput> inputs = {{"Raw", {raw}}, {"Raw:Ads", {raw, ads}}};
  // Table 2 counts one split of one domain; nobody needs the other.
  EXPECT_THAT(Described(ExpandTraining(config, inputs).plan),
              ElementsAre("prepare protocol=threshold | interactions=clicks.csv"));
  config.split_by_seed = true;
  EXPECT_THAT(Described(ExpandTraining(config, inputs).plan),
              ElementsAre("prepare protocol=threshold seed=1 | interactions=clicks.csv"));
  config.split_by_seed = false;
  config.tables = {"table3_few_shot", "table7_cross_domain"};
  config.rows.models = {"sasrec"};
  const auto prepared = [&] {
    std::vector<std::string> stages = Described(ExpandTraining(config, inputs).plan);
    std::erase_if(stages, [](const std::string& stage) { return !stage.starts_with("prepare"); });
    return stages;
  };
  // The target domain keeps users of the source, and the source is prepared once for both datasets.
  EXPECT_THAT(prepared(), ElementsAre("prepare protocol=threshold | interactions=clicks.csv",
                                      "prepare | interactions=ads.csv shared_with=#0"));
  config.split_by_seed = true;
  EXPECT_THAT(prepared(), ElementsAre("prepare protocol=threshold seed=1 | interactions=clicks.csv",
                                      "prepare protocol=threshold seed=2 | interactions=clicks.csv",
                                      "prepare seed=1 | interactions=ads.csv shared_with=#0",
                                      "prepare seed=2 | interactions=ads.csv shared_with=#1"));
}

}  // namespace
}  // namespace ppr::experiment
