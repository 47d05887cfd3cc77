#include "bench/fused_parts.h"

#include "base/errors.h"
#include "model/fused/kernels.h"

namespace ppr::bench {

const FusedParts& BestFusedParts() {
#if defined(__x86_64__)
  using model::fused::InstructionSet;
  return model::fused::KernelsFor(InstructionSet::kAvx512) != nullptr ? kAvx512Parts : kAvx2Parts;
#else
  throw BugError("fused parts are for x86-64 only; main() stops before");
#endif
}

}  // namespace ppr::bench
