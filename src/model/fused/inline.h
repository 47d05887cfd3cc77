// How the fused kernels force inlining: their small functions must be compiled into the caller for the
// instruction set of the file that includes them, never shared with another file.
#pragma once

#define PPR_FUSED_INLINE inline __attribute__((always_inline))
