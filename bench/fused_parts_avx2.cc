// The fused parts compiled for AVX2.
#include "bench/fused_parts_table.h"
#include "model/fused/lanes_avx2.h"

namespace ppr::bench {

constinit const FusedParts kAvx2Parts = MakeFusedParts<model::fused::Avx2>();

}  // namespace ppr::bench
