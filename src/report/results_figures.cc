#include "report/results_figures.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "base/errors.h"
#include "report/results_order.h"

namespace ppr::report {
namespace {

// The mean of the one summary that fits; none when there is none.
std::optional<double> MeanWhere(const std::vector<ResultSummary>& summaries,
                                const std::function<bool(const ResultSummary&)>& fits) {
  const auto found = std::find_if(summaries.begin(), summaries.end(), fits);
  if (found == summaries.end()) return std::nullopt;
  PPR_BUG_IF_NOT(std::none_of(found + 1, summaries.end(), fits),
                 "a bar of " + RowHeadOf(*found) + ", " + MetricOf(*found) +
                     " has two results; a figure is of one table, dataset and task");
  return found->mean;
}

}  // namespace

BarFigure MeansFigure(const std::vector<ResultSummary>& summaries, const std::string& caption) {
  BarFigure figure{.caption = caption, .quantity = "mean over seeds", .groups = InOrder(summaries, MetricOf)};
  for (const std::string& head : InOrder(summaries, RowHeadOf)) {
    BarSeries series{.name = head};
    for (const std::string& metric : figure.groups) {
      series.values.push_back(MeanWhere(summaries, [&](const ResultSummary& summary) {
        return RowHeadOf(summary) == head && summary.key.metric == metric;
      }));
    }
    figure.series.push_back(std::move(series));
  }
  return figure;
}

BarFigure ImprovementFigure(const std::vector<ResultSummary>& summaries, const std::string& metric,
                            const std::string& reference, const std::string& caption) {
  const std::vector<std::string> models = InOrder(summaries, ModelOf);
  if (std::find(models.begin(), models.end(), reference) == models.end()) {
    throw DataError("figure '" + caption + "': expected results of the reference " + reference +
                    ", found none; evaluate it, or name another reference");
  }
  BarFigure figure{.caption = caption,
                   .quantity = "improvement of " + metric + " over " + reference + ", %",
                   .groups = InOrder(summaries, SettingOf),
                   .decimals = 2};
  const auto mean = [&](const std::string& model, const std::string& setting) {
    return MeanWhere(summaries, [&](const ResultSummary& summary) {
      return summary.key.model == model && summary.key.setting == setting && summary.key.metric == metric;
    });
  };
  for (const std::string& model : models) {
    if (model == reference) continue;
    BarSeries series{.name = model};
    for (const std::string& setting : figure.groups) {
      const std::optional<double> ours = mean(model, setting), theirs = mean(reference, setting);
      const bool comparable = ours && theirs && *theirs != 0;
      series.values.push_back(comparable ? std::optional(100 * (*ours / *theirs - 1)) : std::nullopt);
    }
    figure.series.push_back(std::move(series));
  }
  // A table without settings has one group, and a group needs a name.
  std::replace(figure.groups.begin(), figure.groups.end(), std::string(), metric);
  return figure;
}

}  // namespace ppr::report
