// One table from rows to Markdown, written out by hand, and what escaping keeps from happening.
#include "report/markdown.h"

#include <gmock/gmock.h>

#include "base/errors.h"
#include "report/results_table.h"

namespace ppr::report {
namespace {

TEST(Markdown, ATableWrittenByHand) {
  const auto row = [](const std::string& model, uint64_t seed, const std::string& metric, double value,
                      std::optional<double> paper_value) {
    return ResultRow{{"table3", "CIKM", "few-shot", model, "", metric}, seed, value, paper_value};
  };
  const std::vector<ResultRow> rows = {
      row("fine-tuning", 1, "AUC", 0.70, 0.83), row("fine-tuning", 2, "AUC", 0.72, 0.83),
      row("fine-tuning", 1, "HIT@5", 0.30, {}), row("fine-tuning", 2, "HIT@5", 0.30, {}),
      row("PPR(full)", 1, "AUC", 0.80, 0.84),   row("PPR(full)", 2, "AUC", 0.82, 0.84)};
  const std::vector<PairedTest> tests = {{.model = "PPR(full)",
                                          .metric = "AUC",
                                          .against = "fine-tuning",
                                          .difference = 0.1,
                                          .adjusted_p = 0.004}};
  // Of two values 0.02 apart the sample standard deviation is 0.01 sqrt(2) = 0.0141.
  EXPECT_EQ(MarkdownTable(ResultsTable(SummariseOverSeeds(rows),
                                       {.caption = "Table 3 | CIKM", .decimals = 3, .tests = tests})),
            R"(**Table 3 \| CIKM**

| model | AUC | HIT@5 |
| --- | ---: | ---: |
| fine-tuning | 0.710<br>± 0.014<br>paper 0.830 | 0.300<br>± 0.000 |
| PPR(full) | **0.810 ▲\*\***<br>± 0.014<br>**paper 0.840** | – |

Mean ± sample standard deviation over 2 seeds. ▲ better, ▼ worse than fine-tuning: paired t-test over users, Holm's correction; \* p \< 0.05, \*\* p \< 0.01, \*\*\* p \< 0.001.
)");
}

TEST(Markdown, TextStaysText) {
  EXPECT_EQ(
      MarkdownTable(
          {.caption = "a*b", .corner = "m|n", .columns = {"d_z"}, .rows = {{"<b>\n[x]", {{"a\\|`b`"}}}}}),
      "**a\\*b**\n\n| m\\|n | d\\_z |\n| --- | ---: |\n| \\<b\\> \\[x\\] | a\\\\\\|\\`b\\` |\n");
}

TEST(Markdown, ReportsHoldSectionsAndFiguresAsTables) {
  const Report report = {.title = "A & B",
                         .sections = {{.heading = "One", .paragraphs = {"first"}},
                                      {.heading = "Two",
                                       .figures = {{.caption = "f",
                                                    .quantity = "%",
                                                    .groups = {"k = 1", "k = 5"},
                                                    .series = {{"PPR", {1.25, std::nullopt}}},
                                                    .decimals = 1}}}}};
  EXPECT_EQ(
      MarkdownReport(report),
      "# A \\& B\n\n## One\n\nfirst\n\n## Two\n\n**f**\n\n| % | k = 1 | k = 5 |\n| --- | ---: | ---: |\n"
      "| PPR | 1.2 | – |\n");
}

TEST(Markdown, RowsAreAsWideAsTheTable) {
  EXPECT_THROW(
      MarkdownTable({.caption = "c", .corner = "m", .columns = {"x", "y"}, .rows = {{"r", {{"1"}}}}}),
      BugError);
}

}  // namespace
}  // namespace ppr::report
