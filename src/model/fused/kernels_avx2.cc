// The fused kernels compiled for AVX2 and FMA.
#include "model/fused/kernel_table.h"
#include "model/fused/lanes_avx2.h"

namespace ppr::model::fused {

constinit const Kernels kAvx2Kernels = KernelTable<Avx2>::Make("avx2");

}  // namespace ppr::model::fused
