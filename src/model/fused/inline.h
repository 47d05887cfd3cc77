// How the fused kernels force inlining: their small functions must be compiled into the caller for the
// instruction set of the file that includes them, never shared with another file.
#pragma once

#define PPR_FUSED_INLINE inline __attribute__((always_inline))

namespace ppr::model::fused {

// Asks for a row of floats that will be read soon: it may be in memory, or written by another core. A
// function that only prefetches must be inlined, or GCC 12 drops it.
PPR_FUSED_INLINE void PrefetchRow(const float* row, long width) {
  for (long c = 0; c < width; c += 16) __builtin_prefetch(row + c, /*write=*/0, /*into the second level=*/2);
}

}  // namespace ppr::model::fused
