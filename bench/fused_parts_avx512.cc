// The fused parts compiled for AVX-512.
#include "bench/fused_parts_table.h"
#include "model/fused/lanes_avx512.h"

namespace ppr::bench {

constinit const FusedParts kAvx512Parts = MakeFusedParts<model::fused::Avx512>();

}  // namespace ppr::bench
