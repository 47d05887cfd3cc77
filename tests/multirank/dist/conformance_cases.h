// What every Communicator promises, as test bodies that any backend runs: threads at W = 1..4, MPI under
// mpirun. Inputs depend on rank and index and are small integers, so that every sum is exact in float32 and
// can be compared for equality; expected values come in closed form.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "dist/communicator.h"

namespace ppr::dist::test {

struct ConformanceCase {
  std::string name;
  void (*body)(Communicator&);
};
// What a test list shows of a case; the default is its bytes, addresses included.
inline void PrintTo(const ConformanceCase& of, std::ostream* out) { *out << of.name; }

const std::vector<ConformanceCase>& ConformanceCases();

// A transfer longer than this is split by a backend under test that has a limit, so that the small lengths
// here reach that path as well.
inline constexpr int64_t kLoweredTransferLimit = 16;

}  // namespace ppr::dist::test
