#include "report/results_table.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "base/errors.h"
#include "base/text_format.h"
#include "report/results_order.h"

namespace ppr::report {
namespace {

void CheckOneTable(const std::vector<ResultSummary>& summaries) {
  for (const ResultSummary& summary : summaries) {
    const ResultKey &first = summaries.front().key, &key = summary.key;
    PPR_BUG_IF_NOT(
        std::tie(key.table, key.dataset, key.task) == std::tie(first.table, first.dataset, first.task),
        "a results table of " + first.table + ", " + first.dataset + ", " + first.task +
            " was given a result of " + key.table + ", " + key.dataset + ", " + key.task);
  }
}

// A mark can only mean one other model.
void CheckOneReference(const std::vector<PairedTest>& tests) {
  for (const PairedTest& test : tests) {
    PPR_BUG_IF_NOT(test.against == tests.front().against,
                   "marks of one results table: expected tests against " + tests.front().against +
                       ", found one against " + test.against);
  }
}

// A column of the table before it becomes text: one number per row, and what stands behind the number.
struct Column {
  std::string head;
  bool lower_is_better = false;
  std::vector<std::optional<double>> numbers;
  std::vector<std::string> additions;  // " ± 0.0012 ▲*"
};

void AppendColumn(const Column& column, int decimals, Table& table) {
  std::optional<double> best;
  int64_t filled = 0;
  for (const std::optional<double>& number : column.numbers) {
    if (!number) continue;
    ++filled;
    if (!best || (column.lower_is_better ? *number < *best : *number > *best)) best = number;
  }
  const auto printed = [&](double number) { return Format("%.*f", decimals, number); };
  table.columns.push_back(column.head);
  for (size_t row = 0; row < column.numbers.size(); ++row) {
    const std::optional<double>& number = column.numbers[row];
    table.rows[row].cells.push_back(number ? TableCell{printed(*number) + column.additions[row],
                                                       filled > 1 && printed(*number) == printed(*best)}
                                           : TableCell{"–"});
  }
}

// "" when no test of this cell is significant.
std::string Mark(const ResultKey& key, const ResultsTableOptions& options) {
  for (const PairedTest& test : options.tests) {
    if (std::tie(test.model, test.setting, test.metric) != std::tie(key.model, key.setting, key.metric))
      continue;
    const std::string stars = SignificanceStars(test.adjusted_p);
    const bool better = (test.difference > 0) != options.lower_is_better.contains(key.metric);
    return stars.empty() ? "" : (better ? " ▲" : " ▼") + stars;
  }
  return "";
}

void AppendMetric(const std::vector<ResultSummary>& summaries, const std::string& metric,
                  const std::vector<std::string>& heads, const ResultsTableOptions& options, Table& table) {
  Column ours{.head = metric, .lower_is_better = options.lower_is_better.contains(metric)};
  ours.numbers.resize(heads.size());
  ours.additions.resize(heads.size());
  Column paper = ours;
  paper.head += ", paper";
  bool paper_has_some = false;
  for (const ResultSummary& summary : summaries) {
    if (summary.key.metric != metric) continue;
    const auto row =
        static_cast<size_t>(std::find(heads.begin(), heads.end(), RowHeadOf(summary)) - heads.begin());
    ours.numbers[row] = summary.mean;
    if (summary.n > 1) ours.additions[row] = Format(" ± %.*f", options.decimals, summary.sd);
    ours.additions[row] += Mark(summary.key, options);
    paper.numbers[row] = summary.paper_value;
    paper_has_some = paper_has_some || summary.paper_value.has_value();
  }
  AppendColumn(ours, options.decimals, table);
  if (paper_has_some) AppendColumn(paper, options.decimals, table);
}

std::string Note(const std::vector<ResultSummary>& summaries, const ResultsTableOptions& options) {
  if (summaries.empty()) return "No results yet.";
  const auto [least, most] =
      std::minmax_element(summaries.begin(), summaries.end(),
                          [](const ResultSummary& a, const ResultSummary& b) { return a.n < b.n; });
  const auto fewest = static_cast<long long>(least->n), largest = static_cast<long long>(most->n);
  std::string note = "One seed.";
  if (largest > 1) {
    const std::string seeds =
        fewest == largest ? Format("%lld", largest) : Format("%lld to %lld", fewest, largest);
    note = "Mean ± sample standard deviation over " + seeds + " seeds.";
  }
  if (options.tests.empty()) return note;
  return note + " ▲ better, ▼ worse than " + options.tests.front().against +
         ": paired t-test over users, Holm's correction; * p < 0.05, ** p < 0.01, *** p < 0.001.";
}

}  // namespace

Table ResultsTable(const std::vector<ResultSummary>& summaries, const ResultsTableOptions& options) {
  CheckOneTable(summaries);
  CheckOneReference(options.tests);
  const std::vector<std::string> heads = InOrder(summaries, RowHeadOf);
  Table table{.caption = options.caption, .corner = "model", .note = Note(summaries, options)};
  for (const std::string& head : heads) table.rows.push_back({.head = head});
  for (const std::string& metric : InOrder(summaries, MetricOf)) {
    AppendMetric(summaries, metric, heads, options, table);
  }
  return table;
}

Table TestsTable(const std::vector<PairedTest>& tests, const std::string& caption) {
  Table table{.caption = caption,
              .corner = "comparison",
              .columns = {"metric", "users", "difference", "d_z", "p", "p, Holm"},
              .note = "Paired t-tests over users; d_z is the mean difference over its standard deviation."};
  for (const PairedTest& test : tests) {
    table.rows.push_back({.head = RowHead(test.model, test.setting) + " against " + test.against,
                          .cells = {{test.metric},
                                    {WithThousands(test.users)},
                                    {Format("%+.4f", test.difference)},
                                    {Format("%+.3f", test.effect_size)},
                                    {Format("%.3g", test.p_value)},
                                    {Format("%.3g", test.adjusted_p)}}});
  }
  return table;
}

}  // namespace ppr::report
