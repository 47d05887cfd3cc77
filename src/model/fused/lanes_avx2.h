// Eight floats at a time with AVX2 and FMA. Include only in files compiled for that instruction set.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "model/fused/inline.h"

namespace ppr::model::fused {

struct Avx2 {
  using Floats = __m256;
  using Ints = __m256i;
  using Mask = __m256;  // all bits of a lane, or none
  static constexpr int64_t kLanes = 8;
  // 6 x 2 sums, 2 vectors of B and one of A fill 15 of 16 registers.
  static constexpr int kTileRows = 6, kTileVecs = 2;

  PPR_FUSED_INLINE static Floats Zero() { return _mm256_setzero_ps(); }
  PPR_FUSED_INLINE static Floats Set(float x) { return _mm256_set1_ps(x); }
  PPR_FUSED_INLINE static Floats Load(const float* from) { return _mm256_loadu_ps(from); }
  PPR_FUSED_INLINE static void Store(float* to, Floats x) { _mm256_storeu_ps(to, x); }
  PPR_FUSED_INLINE static Floats LoadFirst(const float* from, int64_t count) {
    return count >= kLanes ? Load(from) : _mm256_maskload_ps(from, _mm256_castps_si256(First(count)));
  }
  PPR_FUSED_INLINE static void StoreFirst(float* to, Floats x, int64_t count) {
    if (count >= kLanes) {
      Store(to, x);  // a masked store costs many cycles
    } else {
      _mm256_maskstore_ps(to, _mm256_castps_si256(First(count)), x);
    }
  }

  PPR_FUSED_INLINE static Floats Add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
  PPR_FUSED_INLINE static Floats Sub(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
  PPR_FUSED_INLINE static Floats Mul(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  PPR_FUSED_INLINE static Floats Div(Floats a, Floats b) { return _mm256_div_ps(a, b); }
  PPR_FUSED_INLINE static Floats MulAdd(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
  PPR_FUSED_INLINE static Floats NegMulAdd(Floats a, Floats b, Floats c) { return _mm256_fnmadd_ps(a, b, c); }
  PPR_FUSED_INLINE static Floats Max(Floats a, Floats b) { return _mm256_max_ps(a, b); }
  PPR_FUSED_INLINE static Floats Min(Floats a, Floats b) { return _mm256_min_ps(a, b); }
  PPR_FUSED_INLINE static Floats Abs(Floats x) { return _mm256_andnot_ps(Set(-0.0F), x); }
  PPR_FUSED_INLINE static Floats Negate(Floats x) { return _mm256_xor_ps(x, Set(-0.0F)); }
  PPR_FUSED_INLINE static float Sum(Floats x) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
  }
  PPR_FUSED_INLINE static float Largest(Floats x) {
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
  }

  PPR_FUSED_INLINE static Mask First(int64_t count) {
    const __m256i wanted = _mm256_set1_epi32(static_cast<int>(count < kLanes ? count : kLanes));
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(wanted, LaneNumbers()));
  }
  PPR_FUSED_INLINE static Mask Greater(Floats a, Floats b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
  PPR_FUSED_INLINE static Mask SignClear(Floats x) {
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_castps_si256(x), _mm256_set1_epi32(-1)));
  }
  PPR_FUSED_INLINE static Floats KeepWhere(Mask mask, Floats x) { return _mm256_and_ps(mask, x); }
  PPR_FUSED_INLINE static Floats Select(Mask mask, Floats yes, Floats no) {
    return _mm256_blendv_ps(no, yes, mask);
  }
  PPR_FUSED_INLINE static void StoreMask(uint8_t* to, Mask mask) {
    *to = static_cast<uint8_t>(_mm256_movemask_ps(mask));
  }
  PPR_FUSED_INLINE static Mask LoadMask(const uint8_t* from) {
    const __m256i bit = _mm256_sllv_epi32(_mm256_set1_epi32(1), LaneNumbers());
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(*from), bit), bit));
  }

  PPR_FUSED_INLINE static Ints SetInt(uint32_t x) { return _mm256_set1_epi32(static_cast<int>(x)); }
  PPR_FUSED_INLINE static Ints LaneNumbers() { return _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0); }
  PPR_FUSED_INLINE static Ints AddInt(Ints a, Ints b) { return _mm256_add_epi32(a, b); }
  PPR_FUSED_INLINE static Ints MulInt(Ints a, Ints b) { return _mm256_mullo_epi32(a, b); }
  PPR_FUSED_INLINE static Ints Xor(Ints a, Ints b) { return _mm256_xor_si256(a, b); }
  template <int kBits>
  PPR_FUSED_INLINE static Ints ShiftRight(Ints x) {
    return _mm256_srli_epi32(x, kBits);
  }
  PPR_FUSED_INLINE static Mask NotBelow(Ints a, Ints b) {
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_max_epu32(a, b), a));
  }
  PPR_FUSED_INLINE static Floats Round(Floats x) {
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  // For exponents that keep the result a normal number.
  PPR_FUSED_INLINE static Floats Scale2(Floats x, Floats exponent) {
    const __m256i shift = _mm256_slli_epi32(_mm256_cvtps_epi32(exponent), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), shift));
  }

  // to[c * to_step + r] = from[r * from_step + c] for 8 rows and columns; rows from `rows` on count as zeros.
  PPR_FUSED_INLINE static void Transpose(const float* from, int64_t from_step, int64_t rows, float* to,
                                         int64_t to_step) {
    __m256 x[8], y[8];
    for (int r = 0; r < 8; ++r) x[r] = r < rows ? Load(from + r * from_step) : Zero();
    for (int r = 0; r < 8; r += 2) {
      y[r] = _mm256_unpacklo_ps(x[r], x[r + 1]);
      y[r + 1] = _mm256_unpackhi_ps(x[r], x[r + 1]);
    }
    for (int r = 0; r < 8; r += 4) {
      x[r] = _mm256_shuffle_ps(y[r], y[r + 2], 0x44);
      x[r + 1] = _mm256_shuffle_ps(y[r], y[r + 2], 0xEE);
      x[r + 2] = _mm256_shuffle_ps(y[r + 1], y[r + 3], 0x44);
      x[r + 3] = _mm256_shuffle_ps(y[r + 1], y[r + 3], 0xEE);
    }
    for (int c = 0; c < 4; ++c) {
      Store(to + c * to_step, _mm256_permute2f128_ps(x[c], x[c + 4], 0x20));
      Store(to + (c + 4) * to_step, _mm256_permute2f128_ps(x[c], x[c + 4], 0x31));
    }
  }
};

}  // namespace ppr::model::fused
