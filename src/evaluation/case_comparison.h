// Paired comparison of two evaluations of the same cases, as a table.
#pragma once

#include <cstdint>
#include <string>

namespace ppr::evaluation {

// Reads two cases.tsv files, checks that they rank the same cases of the same dataset (DataError names the
// first difference), and returns the table: every metric, both means, difference b - a, 95 % interval, p.
std::string CompareCaseFiles(const std::string& path_a, const std::string& path_b, uint64_t seed,
                             int bootstrap_samples);

}  // namespace ppr::evaluation
