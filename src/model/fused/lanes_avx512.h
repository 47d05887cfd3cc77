// Sixteen floats at a time with AVX-512 (F, BW, DQ, VL). Include only in files compiled for that instruction
// set.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "model/fused/inline.h"

namespace ppr::model::fused {

struct Avx512 {
  using Floats = __m512;
  using Ints = __m512i;
  using Mask = __mmask16;
  static constexpr int64_t kLanes = 16;
  // The register tile of a matrix product: 6 x 4 sums, 4 vectors of B and one of A fill 29 of 32 registers.
  static constexpr int kTileRows = 6, kTileVecs = 4;

  PPR_FUSED_INLINE static Floats Zero() { return _mm512_setzero_ps(); }
  PPR_FUSED_INLINE static Floats Set(float x) { return _mm512_set1_ps(x); }
  PPR_FUSED_INLINE static Floats Load(const float* from) { return _mm512_loadu_ps(from); }
  PPR_FUSED_INLINE static void Store(float* to, Floats x) { _mm512_storeu_ps(to, x); }
  // The first `count` lanes; the others are 0, or not written.
  PPR_FUSED_INLINE static Floats LoadFirst(const float* from, int64_t count) {
    return _mm512_maskz_loadu_ps(First(count), from);
  }
  PPR_FUSED_INLINE static void StoreFirst(float* to, Floats x, int64_t count) {
    _mm512_mask_storeu_ps(to, First(count), x);
  }

  PPR_FUSED_INLINE static Floats Add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  PPR_FUSED_INLINE static Floats Sub(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
  PPR_FUSED_INLINE static Floats Mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  PPR_FUSED_INLINE static Floats Div(Floats a, Floats b) { return _mm512_div_ps(a, b); }
  PPR_FUSED_INLINE static Floats MulAdd(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  PPR_FUSED_INLINE static Floats NegMulAdd(Floats a, Floats b, Floats c) { return _mm512_fnmadd_ps(a, b, c); }
  PPR_FUSED_INLINE static Floats Max(Floats a, Floats b) { return _mm512_max_ps(a, b); }
  PPR_FUSED_INLINE static Floats Min(Floats a, Floats b) { return _mm512_min_ps(a, b); }
  PPR_FUSED_INLINE static Floats Abs(Floats x) { return _mm512_abs_ps(x); }
  PPR_FUSED_INLINE static Floats Negate(Floats x) { return _mm512_xor_ps(x, Set(-0.0F)); }
  PPR_FUSED_INLINE static float Sum(Floats x) { return _mm512_reduce_add_ps(x); }
  PPR_FUSED_INLINE static float Largest(Floats x) { return _mm512_reduce_max_ps(x); }

  PPR_FUSED_INLINE static Mask First(int64_t count) {
    return static_cast<Mask>(count >= kLanes ? 0xFFFFU : (1U << (count > 0 ? count : 0)) - 1U);
  }
  PPR_FUSED_INLINE static Mask Greater(Floats a, Floats b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
  // True where the sign bit is not set: also for +0.
  PPR_FUSED_INLINE static Mask SignClear(Floats x) {
    return _knot_mask16(_mm512_movepi32_mask(_mm512_castps_si512(x)));
  }
  PPR_FUSED_INLINE static Floats KeepWhere(Mask mask, Floats x) { return _mm512_maskz_mov_ps(mask, x); }
  PPR_FUSED_INLINE static Floats Select(Mask mask, Floats yes, Floats no) {
    return _mm512_mask_blend_ps(mask, no, yes);
  }
  // One bit a lane, kLanes / 8 bytes.
  PPR_FUSED_INLINE static void StoreMask(uint8_t* to, Mask mask) {
    __builtin_memcpy(to, &mask, sizeof(mask));
  }
  PPR_FUSED_INLINE static Mask LoadMask(const uint8_t* from) {
    Mask mask;
    __builtin_memcpy(&mask, from, sizeof(mask));
    return mask;
  }

  PPR_FUSED_INLINE static Ints SetInt(uint32_t x) { return _mm512_set1_epi32(static_cast<int>(x)); }
  PPR_FUSED_INLINE static Ints LaneNumbers() {
    return _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  }
  PPR_FUSED_INLINE static Ints AddInt(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
  PPR_FUSED_INLINE static Ints MulInt(Ints a, Ints b) { return _mm512_mullo_epi32(a, b); }
  PPR_FUSED_INLINE static Ints Xor(Ints a, Ints b) { return _mm512_xor_si512(a, b); }
  template <int kBits>
  PPR_FUSED_INLINE static Ints ShiftRight(Ints x) {
    return _mm512_srli_epi32(x, kBits);
  }
  PPR_FUSED_INLINE static Mask NotBelow(Ints a, Ints b) { return _mm512_cmpge_epu32_mask(a, b); }
  // x * 2^exponent for whole exponents.
  PPR_FUSED_INLINE static Floats Round(Floats x) {
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  PPR_FUSED_INLINE static Floats Scale2(Floats x, Floats exponent) { return _mm512_scalef_ps(x, exponent); }

  // to[c * to_step + r] = from[r * from_step + c] for 16 rows and columns; rows from `rows` on count as
  // zeros.
  PPR_FUSED_INLINE static void Transpose(const float* from, int64_t from_step, int64_t rows, float* to,
                                         int64_t to_step) {
    __m512 x[16], y[16];
    for (int r = 0; r < 16; ++r) x[r] = r < rows ? Load(from + r * from_step) : Zero();
    for (int r = 0; r < 16; r += 2) {
      y[r] = _mm512_unpacklo_ps(x[r], x[r + 1]);
      y[r + 1] = _mm512_unpackhi_ps(x[r], x[r + 1]);
    }
    for (int r = 0; r < 16; r += 4) {  // 4 x 4 blocks within each 128-bit part
      x[r] = _mm512_shuffle_ps(y[r], y[r + 2], 0x44);
      x[r + 1] = _mm512_shuffle_ps(y[r], y[r + 2], 0xEE);
      x[r + 2] = _mm512_shuffle_ps(y[r + 1], y[r + 3], 0x44);
      x[r + 3] = _mm512_shuffle_ps(y[r + 1], y[r + 3], 0xEE);
    }
    for (int c = 0; c < 4; ++c) {  // then the 128-bit parts: columns c, c + 4, c + 8, c + 12
      const __m512 low = _mm512_shuffle_f32x4(x[c], x[c + 4], 0x88),
                   high = _mm512_shuffle_f32x4(x[c], x[c + 4], 0xDD);
      const __m512 low2 = _mm512_shuffle_f32x4(x[c + 8], x[c + 12], 0x88),
                   high2 = _mm512_shuffle_f32x4(x[c + 8], x[c + 12], 0xDD);
      Store(to + c * to_step, _mm512_shuffle_f32x4(low, low2, 0x88));
      Store(to + (c + 4) * to_step, _mm512_shuffle_f32x4(high, high2, 0x88));
      Store(to + (c + 8) * to_step, _mm512_shuffle_f32x4(low, low2, 0xDD));
      Store(to + (c + 12) * to_step, _mm512_shuffle_f32x4(high, high2, 0xDD));
    }
  }
};

}  // namespace ppr::model::fused
