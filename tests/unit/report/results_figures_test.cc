// Which numbers the bars of a figure stand for.
#include "report/results_figures.h"

#include <gmock/gmock.h>

#include "base/errors.h"

namespace ppr::report {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

ResultSummary Summary(const std::string& model, const std::string& setting, const std::string& metric,
                      double mean) {
  return {.key = {"figure4", "CIKM", "few-shot", model, setting, metric}, .n = 5, .mean = mean};
}

TEST(MeansFigure, OneGroupPerMetricAndOneSeriesPerRow) {
  const BarFigure figure =
      MeansFigure({Summary("PPR", "", "AUC", 0.5), Summary("PPR", "without contrast", "AUC", 0.25),
                   Summary("PPR", "", "HIT@5", 0.75)},
                  "Figure 3");
  EXPECT_THAT(figure.groups, ElementsAre("AUC", "HIT@5"));
  ASSERT_THAT(figure.series, SizeIs(2));
  EXPECT_EQ(figure.series[0].name, "PPR");
  EXPECT_THAT(figure.series[0].values, ElementsAre(Optional(0.5), Optional(0.75)));
  EXPECT_EQ(figure.series[1].name, "PPR, without contrast");
  EXPECT_THAT(figure.series[1].values, ElementsAre(Optional(0.25), std::nullopt));
}

TEST(ImprovementFigure, ComparesWithinASettingInPercent) {
  const BarFigure figure =
      ImprovementFigure({Summary("fine-tuning", "k = 1", "AUC", 0.5), Summary("PPR", "k = 1", "AUC", 0.75),
                         Summary("fine-tuning", "k = 5", "AUC", 0.8), Summary("PPR", "k = 5", "AUC", 0.4),
                         Summary("fine-tuning", "k = 7", "AUC", 0), Summary("PPR", "k = 7", "AUC", 0.4),
                         Summary("PPR", "k = 9", "AUC", 0.4), Summary("PPR", "k = 1", "HIT", 9)},
                        "AUC", "fine-tuning", "Figure 4");
  EXPECT_THAT(figure.groups, ElementsAre("k = 1", "k = 5", "k = 7", "k = 9"));
  ASSERT_THAT(figure.series, SizeIs(1));
  EXPECT_EQ(figure.series[0].name, "PPR");
  EXPECT_THAT(figure.series[0].values,
              ElementsAre(Optional(DoubleEq(50)), Optional(DoubleEq(-50)), std::nullopt, std::nullopt));
  EXPECT_EQ(figure.quantity, "improvement of AUC over fine-tuning, %");
}

TEST(ImprovementFigure, WithoutSettingsItsGroupIsTheMetric) {
  const BarFigure figure =
      ImprovementFigure({Summary("a", "", "AUC", 0.5), Summary("b", "", "AUC", 0.75)}, "AUC", "a", "f");
  EXPECT_THAT(figure.groups, ElementsAre("AUC"));
  EXPECT_THAT(figure.series.at(0).values, ElementsAre(Optional(DoubleEq(50))));
}

TEST(ImprovementFigure, NeedsItsReferenceAndOneTable) {
  EXPECT_THAT([] { ImprovementFigure({Summary("PPR", "", "AUC", 1)}, "AUC", "fine-tuning", "f"); },
              ThrowsMessage<DataError>(HasSubstr("fine-tuning, found none")));
  ResultSummary other = Summary("PPR", "", "AUC", 1);
  other.key.dataset = "AliEC";
  EXPECT_THROW(MeansFigure({Summary("PPR", "", "AUC", 1), other}, "f"), BugError);
}

}  // namespace
}  // namespace ppr::report
