// What stands in the cells of a results table.
#include "report/results_table.h"

#include <gmock/gmock.h>

#include "base/errors.h"

namespace ppr::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

ResultSummary Summary(const std::string& model, const std::string& metric, double mean, double sd = 0.01,
                      int64_t n = 5) {
  return {.key = {"table3", "CIKM", "few-shot", model, "", metric}, .n = n, .mean = mean, .sd = sd};
}

// Texts of a column from the top, '!' behind the best, lines beneath after '/'.
std::vector<std::string> ColumnOf(const Table& table, size_t column) {
  std::vector<std::string> texts;
  for (const TableRow& row : table.rows) {
    const TableCell& cell = row.cells.at(column);
    texts.push_back(cell.text + (cell.best ? "!" : ""));
    for (const CellLine& line : cell.beneath) texts.back() += " / " + line.text + (line.best ? "!" : "");
  }
  return texts;
}

TEST(ResultsTable, BestIsHighestUnlessLowerIsBetter) {
  const Table table = ResultsTable(
      {Summary("a", "AUC", 0.5), Summary("a", "loss", 3), Summary("b", "AUC", 0.75), Summary("b", "loss", 4)},
      {.caption = "c", .decimals = 2, .lower_is_better = {"loss"}});
  EXPECT_THAT(table.columns, ElementsAre("AUC", "loss"));
  EXPECT_THAT(ColumnOf(table, 0), ElementsAre("0.50 / ± 0.01", "0.75! / ± 0.01"));
  EXPECT_THAT(ColumnOf(table, 1), ElementsAre("3.00! / ± 0.01", "4.00 / ± 0.01"));
  EXPECT_THAT(table.note, HasSubstr("over 5 seeds"));
}

TEST(ResultsTable, DifferencesBelowThePrintedDigitsAreNoWin) {
  const Table table = ResultsTable(
      {Summary("a", "AUC", 0.501, 0, 1), Summary("b", "AUC", 0.502, 0, 1), Summary("c", "AUC", 0.4, 0, 1)},
      {.decimals = 2});
  EXPECT_THAT(ColumnOf(table, 0), ElementsAre("0.50!", "0.50!", "0.40"));
  EXPECT_EQ(table.note, "One seed.");
}

TEST(ResultsTable, GapsSettingsAndOneRow) {
  ResultSummary cropped = Summary("b", "HIT", 0.5, 0.01, 3);
  cropped.key.setting = "k = 5";
  const Table table = ResultsTable({Summary("a", "AUC", 0.5), cropped}, {.decimals = 1});
  ASSERT_THAT(table.rows, SizeIs(2));
  EXPECT_EQ(table.rows[1].head, "b, k = 5");
  EXPECT_THAT(ColumnOf(table, 0), ElementsAre("0.5 / ± 0.0", "–"));
  EXPECT_THAT(ColumnOf(table, 1), ElementsAre("–", "0.5 / ± 0.0"));
  EXPECT_THAT(table.note, HasSubstr("over 3 to 5 seeds"));
}

TEST(ResultsTable, SignificantCellsAreMarkedWithTheirDirection) {
  const std::vector<PairedTest> tests = {
      {.model = "b", .metric = "AUC", .against = "a", .difference = 0.1, .adjusted_p = 0.0001},
      {.model = "c", .metric = "AUC", .against = "a", .difference = -0.1, .adjusted_p = 0.04},
      {.model = "d", .metric = "AUC", .against = "a", .difference = 0.2, .adjusted_p = 0.06},
      {.model = "b", .metric = "loss", .against = "a", .difference = -0.1, .adjusted_p = 0.009}};
  const Table table =
      ResultsTable({Summary("a", "AUC", 1), Summary("b", "AUC", 1.1), Summary("c", "AUC", 0.9),
                    Summary("d", "AUC", 1.2), Summary("b", "loss", 2)},
                   {.decimals = 1, .lower_is_better = {"loss"}, .tests = tests});
  EXPECT_THAT(ColumnOf(table, 0),
              ElementsAre("1.0 / ± 0.0", "1.1 ▲*** / ± 0.0", "0.9 ▼* / ± 0.0", "1.2! / ± 0.0"));
  EXPECT_EQ(table.rows[1].cells[1].text, "2.0 ▲**");
  EXPECT_THAT(table.note, HasSubstr("worse than a"));
}

TEST(ResultsTable, PaperNumbersStandBeneathOurs) {
  ResultSummary low = Summary("a", "AUC", 0.9), high = Summary("b", "AUC", 0.6, 0, 1);
  low.paper_value = 0.8;
  high.paper_value = 0.9;
  const Table table = ResultsTable({low, high, Summary("c", "AUC", 0.1)}, {.decimals = 1});
  EXPECT_THAT(table.columns, ElementsAre("AUC"));
  EXPECT_THAT(ColumnOf(table, 0), ElementsAre("0.9! / ± 0.0 / paper 0.8", "0.6 / paper 0.9!", "0.1 / ± 0.0"));
}

TEST(ResultsTable, HoldsOneTableDatasetAndTask) {
  ResultSummary other = Summary("b", "AUC", 0.6);
  other.key.dataset = "AliEC";
  EXPECT_THROW(ResultsTable({Summary("a", "AUC", 0.5), other}, {}), BugError);
  EXPECT_THROW(ResultsTable({Summary("a", "AUC", 0.5)}, {.tests = {{.against = "x"}, {.against = "y"}}}),
               BugError);
  EXPECT_EQ(ResultsTable({}, {}).note, "No results yet.");
}

TEST(TestsTable, StatesEffectAndBothPValues) {
  const Table table = TestsTable({{.model = "PPR",
                                   .setting = "k = 1",
                                   .metric = "AUC",
                                   .against = "SASRec",
                                   .users = 12345,
                                   .difference = -0.5,
                                   .effect_size = 1.25,
                                   .p_value = 0.01,
                                   .adjusted_p = 0.03}},
                                 "tests");
  ASSERT_THAT(table.rows, SizeIs(1));
  EXPECT_EQ(table.rows[0].head, "PPR, k = 1 against SASRec");
  std::vector<std::string> texts;
  for (const TableCell& cell : table.rows[0].cells) texts.push_back(cell.text);
  EXPECT_THAT(texts, ElementsAre("AUC", "12,345", "-0.5000", "+1.250", "0.01", "0.03", "lower"));
}

}  // namespace
}  // namespace ppr::report
