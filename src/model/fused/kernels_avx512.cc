// The fused kernels compiled for AVX-512.
#include "model/fused/kernel_table.h"
#include "model/fused/lanes_avx512.h"

namespace ppr::model::fused {

constinit const Kernels kAvx512Kernels = KernelTable<Avx512>::Make("avx512");

}  // namespace ppr::model::fused
