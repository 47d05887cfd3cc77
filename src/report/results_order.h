// How summaries become rows, columns and groups: by the names they carry, in order of first appearance.
#pragma once

#include <string>
#include <vector>

#include "report/results.h"

namespace ppr::report {

// "PPR(full)", or "PPR(full), k = 5" where there is a setting.
std::string RowHead(const std::string& model, const std::string& setting);

std::string RowHeadOf(const ResultSummary& summary);
std::string ModelOf(const ResultSummary& summary);
std::string SettingOf(const ResultSummary& summary);
std::string MetricOf(const ResultSummary& summary);

// The distinct names of the summaries, in order of first appearance.
std::vector<std::string> InOrder(const std::vector<ResultSummary>& summaries,
                                 std::string (*name_of)(const ResultSummary&));

}  // namespace ppr::report
