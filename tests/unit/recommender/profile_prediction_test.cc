// Prediction of profile values: metrics against counts by hand, who is asked, and what is written.
#include "recommender/profile_prediction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "support/synthetic_dataset.h"
#include "support/temporary_folder.h"

namespace ppr::recommender {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Quotients of small integers and means of three of them: a few units in the last place.
constexpr double kRounding = 1e-15;

void ExpectMetrics(const ClassificationMetrics& found, const ClassificationMetrics& expected) {
  EXPECT_EQ(found.cases, expected.cases);
  EXPECT_NEAR(found.accuracy, expected.accuracy, kRounding);
  EXPECT_NEAR(found.precision, expected.precision, kRounding);
  EXPECT_NEAR(found.recall, expected.recall, kRounding);
  EXPECT_NEAR(found.f1, expected.f1, kRounding);
}

TEST(ClassificationMetrics, OfTwoClassesAreThoseOfThePositiveOne) {
  const std::vector<int64_t> labels = {1, 1, 1, 1, 0, 0, 0, 0, 0, 0};
  const std::vector<int64_t> predicted = {1, 0, 0, 0, 1, 1, 0, 0, 0, 0};
  // Class 1: 1 hit, 3 predictions, 4 labels. Class 0: 4 hits, 7 predictions, 6 labels.
  ExpectMetrics(MetricsOf(labels, predicted, 2, 1), {10, 0.5, 1.0 / 3, 1.0 / 4, 2.0 / 7});
  ExpectMetrics(MetricsOf(labels, predicted, 2, 0), {10, 0.5, 4.0 / 7, 4.0 / 6, 8.0 / 13});
}

TEST(ClassificationMetrics, AClassThatIsNeverPredictedHasNoPrecision) {
  ExpectMetrics(MetricsOf({0, 0, 0, 1}, {0, 0, 0, 0}, 2, 1), {4, 0.75, 0, 0, 0});
  ExpectMetrics(MetricsOf({0, 0}, {0, 0}, 2, 1), {2, 1, 0, 0, 0});  // nor is it any label
  ExpectMetrics(MetricsOf({}, {}, 2, 1), {});
  ExpectMetrics(MetricsOf({}, {}, 3, 0), {});
}

TEST(ClassificationMetrics, OfMoreClassesAreUnweightedMeans) {
  const std::vector<int64_t> labels = {0, 0, 0, 0, 1, 1, 2, 2, 2};
  const std::vector<int64_t> predicted = {0, 0, 1, 2, 1, 0, 2, 2, 0};
  // Class 0: 2 hits, 4 predictions, 4 labels; class 1: 1, 2, 2; class 2: 2, 3, 3.
  const double each = (2.0 / 4 + 1.0 / 2 + 2.0 / 3) / 3;
  ExpectMetrics(MetricsOf(labels, predicted, 3, 2), {9, 5.0 / 9, each, each, each});
  // Never predicted: precision, recall and F1 of class 1 are 0, and count in the mean.
  ExpectMetrics(MetricsOf({0, 1, 2}, {0, 0, 2}, 3, 0),
                {3, 2.0 / 3, (1.0 / 2 + 0 + 1) / 3, (1.0 + 0 + 1) / 3, (2.0 / 3 + 0 + 1) / 3});
  // Predicted of nobody who has it: the same.
  ExpectMetrics(MetricsOf({0, 0}, {0, 1}, 3, 0), {2, 0.5, (1.0 + 0) / 2, (0.5 + 0) / 2, (2.0 / 3 + 0) / 2});
}

TEST(ClassificationMetrics, AClassThatNobodyHasOrGetsDoesNotCount) {
  const std::vector<int64_t> labels = {0, 0, 2}, predicted = {0, 2, 2};
  const ClassificationMetrics of_two{3, 2.0 / 3, (1.0 + 1.0 / 2) / 2, (1.0 / 2 + 1) / 2, 2.0 / 3};
  ExpectMetrics(MetricsOf(labels, predicted, 3, 0), of_two);
  ExpectMetrics(MetricsOf(labels, predicted, 7, 0), of_two);
}

TEST(ClassificationMetrics, AsManyPredictionsAsLabels) {
  EXPECT_THROW(MetricsOf({0, 1}, {0}, 2, 1), BugError);
}

// Users u0, u1, ... with the given codes of the one field `name`.
data::Dataset WithCodes(std::vector<std::string> values, std::vector<int32_t> codes) {
  data::Dataset dataset;
  dataset.path = "people.h5";
  values.insert(values.begin(), "");
  dataset.fields = {{"age", std::move(values)}};
  dataset.offsets.assign(codes.size() + 1, 0);
  for (size_t user = 0; user < codes.size(); ++user) dataset.user_ids.push_back("u" + std::to_string(user));
  dataset.profiles = std::move(codes);
  return dataset;
}

TEST(RarestClass, IsTheOneOfFewestUsersAndTheLowerOfEquals) {
  const auto rarest = [](const std::vector<int32_t>& codes) {
    const data::Dataset dataset = WithCodes({"a", "b", "c"}, codes);
    return RarestClass(dataset, FindPredictedField(dataset, "age"));
  };
  EXPECT_EQ(rarest({1, 1, 2, 2, 3}), 2);
  EXPECT_EQ(rarest({1, 2, 2, 3, 3}), 0);
  EXPECT_EQ(rarest({1, 1, 2, 3, 0, 0}), 1) << "equals: the lower one; users without a value are in none";
  EXPECT_EQ(rarest({1, 3}), 1) << "nobody has it";
}

TEST(FindPredictedField, NamesColumnAndClasses) {
  const data::Dataset dataset = test::MakeSyntheticDataset();
  const PredictedField city = FindPredictedField(dataset, "city");
  EXPECT_EQ(city.name, "city");
  EXPECT_EQ(city.column, 1);
  EXPECT_EQ(city.classes, 3) << "a missing value is no class";
}

TEST(FindPredictedField, RefusesUnknownFieldsAndFieldsOfOneValue) {
  try {
    FindPredictedField(test::MakeSyntheticDataset(), "cty");
    FAIL() << "an unknown field was found";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("predict_field"), HasSubstr("synthetic"),
                                    HasSubstr("found \"cty\""), HasSubstr("did you mean city?")));
  }
  try {
    FindPredictedField(WithCodes({"old"}, {1, 1}), "age");
    FAIL() << "one value is nothing to tell apart";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("people.h5, field age: expected two values to tell apart, found 1"));
  }
  EXPECT_EQ(FindPredictedField(WithCodes({"old", "young"}, {1, 2}), "age").classes, 2);
}

TEST(UsersWithValue, AreTheOnesAskedInTheirOrder) {
  const data::Dataset dataset = WithCodes({"a", "b"}, {1, 0, 2, 0, 1});
  const PredictedField field = FindPredictedField(dataset, "age");
  EXPECT_THAT(UsersWithValue(dataset, {4, 3, 2, 0}, field), ElementsAre(4, 2, 0));
  EXPECT_THAT(UsersWithValue(dataset, {1, 3}, field), ElementsAre());
}

TEST(WritePredictions, IsAHeaderAndALineAUserInTexts) {
  const test::TemporaryFolder folder;
  const data::Dataset dataset = WithCodes({"old", "very young"}, {1, 0, 2});
  WritePredictions(folder / "predictions.tsv", dataset, FindPredictedField(dataset, "age"),
                   {.users = {2, 0}, .labels = {1, 0}, .predicted = {0, 0}});
  EXPECT_EQ(test::BytesOfFile(folder / "predictions.tsv"),
            "user\tlabel\tpredicted\nu2\tvery young\told\nu0\told\told\n");
  data::Dataset odd = WithCodes({"a\tb", "c"}, {1});
  odd.user_ids = {"line\nbreak"};
  WritePredictions(folder / "predictions.tsv", odd, FindPredictedField(odd, "age"),
                   {.users = {0}, .labels = {0}, .predicted = {1}});
  EXPECT_EQ(test::BytesOfFile(folder / "predictions.tsv"),
            "user\tlabel\tpredicted\nline\\nbreak\ta\\tb\tc\n");
}

}  // namespace
}  // namespace ppr::recommender
