// What the row exchange promises, as test bodies for any backend, against a brute-force table that every rank
// holds whole.
#pragma once

#include "multirank/dist/conformance_cases.h"

namespace ppr::dist::test {

const std::vector<ConformanceCase>& RowExchangeCases();

}  // namespace ppr::dist::test
