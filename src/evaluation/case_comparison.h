// Paired comparison of two evaluations of the same cases, as a table.
#pragma once

#include <cstdint>
#include <string>

#include "settings/settings.h"

namespace ppr::evaluation {

struct CaseComparison {
  std::string path_a, path_b;  // cases.tsv of two evaluations
  uint64_t seed = 1;
  int32_t bootstrap_samples = 2000;
};
void Describe(settings::Settings& settings, CaseComparison& comparison);

// Reads two cases.tsv files, checks that they rank the same cases of the same dataset (DataError names the
// first difference), and returns the table: every metric, both means, difference b - a, 95 % interval, p.
std::string CompareCaseFiles(const CaseComparison& comparison);

}  // namespace ppr::evaluation
