// Whole command lines reach the commands that judge them, and fields are looked up in the datasets.
#include "experiment/plan_check.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/errors.h"
#include "sample_experiment.h"

namespace ppr::experiment {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

bool Has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

TEST(PlanCheck, EachKindOfStageIsJudgedOnce) {
  ExperimentConfig config = SampleConfig({"table4_zero_shot", "table5_joint"});
  std::vector<std::string> judged;
  config.check_stage = [&](const std::string& command, const std::vector<std::string>& words) {
    judged.push_back(command);
    std::vector<std::string> problems;
    if (!Has(words, "--dataset=shop.h5")) problems.push_back("no dataset");
    if (command == "tune" && Has(words, "--method=ppr_light")) problems.push_back("too light");
    return problems;
  };
  // Two tasks with three methods and two seeds each, of which seeds look alike; one base model.
  EXPECT_THAT(
      ProblemsOfPlan(config, SampleDatasets(config)),
      ElementsAre("tune of Shop, PPR(light), zero-shot, seed 1, rate 1e-3: too light (and 3 stages more)"));
  EXPECT_EQ(std::count(judged.begin(), judged.end(), "pretrain"), 1);
  EXPECT_EQ(std::count(judged.begin(), judged.end(), "tune"), 6);
  EXPECT_EQ(std::count(judged.begin(), judged.end(), "evaluate"), 2);
}

TEST(PlanCheck, FieldsAreThoseOfTheFile) {
  ExperimentConfig config = SampleConfig({"table8_profile"});
  config.datasets = {{"Shop", {"shop.h5"}}, {"Broken", {"broken.h5"}}};
  config.rows.predict_fields = {"Shop:gender", "Shop:agee", "Broken:age"};
  config.fields_of = [](const std::string& path) -> std::vector<std::string> {
    if (path == "broken.h5") throw DataError("broken.h5: expected a dataset");
    return {"gender", "age"};
  };
  EXPECT_THAT(ProblemsOfPlan(config, SampleDatasets(config)),
              ElementsAre(AllOf(HasSubstr("predict_fields: expected profile fields of Shop (gender, age)"),
                                HasSubstr("did you mean age?")),
                          HasSubstr("datasets: Broken: broken.h5: expected a dataset")));
  config.tables = {"table3_few_shot"};
  EXPECT_THAT(ProblemsOfPlan(config, SampleDatasets(config)), IsEmpty());
}

}  // namespace
}  // namespace ppr::experiment
