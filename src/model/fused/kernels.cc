#include "model/fused/kernels.h"

namespace ppr::model::fused {

const Kernels* KernelsFor(InstructionSet set) {
#if defined(__x86_64__)
  // What -march=x86-64-v3 and -v4 mean, to the processor that runs this.
  if (set == InstructionSet::kAvx512) return __builtin_cpu_supports("x86-64-v4") ? &kAvx512Kernels : nullptr;
  return __builtin_cpu_supports("x86-64-v3") ? &kAvx2Kernels : nullptr;
#else
  (void)set;
  return nullptr;
#endif
}

const Kernels* BestKernels() {
  const Kernels* const wide = KernelsFor(InstructionSet::kAvx512);
  return wide != nullptr ? wide : KernelsFor(InstructionSet::kAvx2);
}

}  // namespace ppr::model::fused
