#include "report/results_order.h"

#include <algorithm>

namespace ppr::report {

std::string RowHead(const std::string& model, const std::string& setting) {
  return setting.empty() ? model : model + ", " + setting;
}

std::string RowHeadOf(const ResultSummary& summary) {
  return RowHead(summary.key.model, summary.key.setting);
}
std::string ModelOf(const ResultSummary& summary) { return summary.key.model; }
std::string SettingOf(const ResultSummary& summary) { return summary.key.setting; }
std::string MetricOf(const ResultSummary& summary) { return summary.key.metric; }

std::vector<std::string> InOrder(const std::vector<ResultSummary>& summaries,
                                 std::string (*name_of)(const ResultSummary&)) {
  std::vector<std::string> names;
  for (const ResultSummary& summary : summaries) {
    const std::string name = name_of(summary);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

}  // namespace ppr::report
