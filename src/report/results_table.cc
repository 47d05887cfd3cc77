#include "report/results_table.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

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

// The numbers of one column, from the top; which of them print like the best one.
class Column {
 public:
  Column(size_t rows, int decimals, bool lower_is_better)
      : numbers_(rows), decimals_(decimals), lower_is_better_(lower_is_better) {}

  void Set(size_t row, double number) {
    numbers_[row] = number;
    ++filled_;
    if (!best_ || (lower_is_better_ ? number < *best_ : number > *best_)) best_ = number;
  }
  bool Has(size_t row) const { return numbers_[row].has_value(); }
  std::string Printed(size_t row) const { return Format("%.*f", decimals_, *numbers_[row]); }
  bool IsBest(size_t row) const { return filled_ > 1 && Printed(row) == Format("%.*f", decimals_, *best_); }

 private:
  std::vector<std::optional<double>> numbers_;
  int decimals_;
  bool lower_is_better_;
  int64_t filled_ = 0;
  std::optional<double> best_;
};

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

// Mean with its mark; beneath it the standard deviation and the paper's number.
void AppendMetric(const std::vector<ResultSummary>& summaries, const std::string& metric,
                  const std::vector<std::string>& heads, const ResultsTableOptions& options, Table& table) {
  const bool lower_is_better = options.lower_is_better.contains(metric);
  Column ours(heads.size(), options.decimals, lower_is_better), paper = ours;
  std::vector<const ResultSummary*> of_row(heads.size(), nullptr);
  for (const ResultSummary& summary : summaries) {
    if (summary.key.metric != metric) continue;
    const auto row =
        static_cast<size_t>(std::find(heads.begin(), heads.end(), RowHeadOf(summary)) - heads.begin());
    of_row[row] = &summary;
    ours.Set(row, summary.mean);
    if (summary.paper_value) paper.Set(row, *summary.paper_value);
  }
  table.columns.push_back(metric);
  for (size_t row = 0; row < heads.size(); ++row) {
    TableCell cell{.text = "–"};
    if (const ResultSummary* const summary = of_row[row]) {
      cell = {.text = ours.Printed(row) + Mark(summary->key, options), .best = ours.IsBest(row)};
      if (summary->n > 1) cell.beneath.push_back({Format("± %.*f", options.decimals, summary->sd)});
      if (paper.Has(row)) cell.beneath.push_back({"paper " + paper.Printed(row), paper.IsBest(row)});
    }
    table.rows[row].cells.push_back(std::move(cell));
  }
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

std::string Finding(const PairedTest& test) {
  if (SignificanceStars(test.adjusted_p).empty()) return "no difference shown";
  return test.difference > 0 ? "higher" : "lower";
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
              .columns = {"metric", "users", "difference", "d_z", "p", "p, Holm", "finding"},
              .note = "Paired t-tests over users; d_z is the mean difference over its standard deviation."};
  for (const PairedTest& test : tests) {
    table.rows.push_back({.head = RowHead(test.model, test.setting) + " against " + test.against,
                          .cells = {{test.metric},
                                    {WithThousands(test.users)},
                                    {Format("%+.4f", test.difference)},
                                    {Format("%+.3f", test.effect_size)},
                                    {Format("%.3g", test.p_value)},
                                    {Format("%.3g", test.adjusted_p)},
                                    {Finding(test)}}});
  }
  return table;
}

}  // namespace ppr::report
