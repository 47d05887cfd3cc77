// The one matrix product of the fused kernels: C = A B (+ bias or + C), for a few dozen to a few hundred rows
// that lie in cache.
//
// A tile of C stays in registers over the whole depth; each step of the depth loads one row piece of B and
// broadcasts one element of A a row. A is read by strides, so that the same code forms X W, dY W^T (with the
// weights transposed once a step), X^T dY, P V, dS K and dS^T Q.
#pragma once

#include <cstdint>

#include "model/fused/inline.h"

namespace ppr::model::fused {

// Element (r, k) of A is data[r * row_step + k * depth_step].
struct Strided {
  const float* data;
  int64_t row_step;
  int64_t depth_step;
};
PPR_FUSED_INLINE constexpr Strided RowsOf(const float* data, int64_t width) { return {data, width, 1}; }
PPR_FUSED_INLINE constexpr Strided ColumnsOf(const float* data, int64_t width) { return {data, 1, width}; }

// What the product is added to: 0, bias[column], or C itself.
enum class Start { kZero, kBias, kSum };

struct Product {
  int64_t rows, columns, depth;
  Strided a;
  const float* b;  // [depth, b_step]; a whole vector past column `columns` is readable
  int64_t b_step;
  float* c;  // [rows, c_step]
  int64_t c_step;
  Start start = Start::kZero;
  const float* bias = nullptr;  // [columns], for Start::kBias
  bool relu = false;            // C = max(0, .)
};

// kRows rows from `row` on, kVecs vectors from `column` on; the last vector may be partly outside of C.
template <class V, int kRows, int kVecs>
__attribute__((noinline)) void MultiplyTile(const Product& p, int64_t row, int64_t column) {
  using Floats = typename V::Floats;
  constexpr int kLast = kVecs - 1;
  const int64_t last_count = p.columns - column - kLast * V::kLanes;
  float* const c = p.c + row * p.c_step + column;
  Floats sum[kRows][kVecs];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVecs; ++v) sum[r][v] = V::Zero();
  }
  const float* a = p.a.data + row * p.a.row_step;
  const float* b = p.b + column;
  const int64_t row_step = p.a.row_step, depth_step = p.a.depth_step, b_step = p.b_step;
  for (int64_t k = p.depth; k > 0; --k) {
    Floats b_part[kVecs];
    for (int v = 0; v < kVecs; ++v) b_part[v] = V::Load(b + v * V::kLanes);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const Floats factor = V::Set(a[r * row_step]);
      for (int v = 0; v < kVecs; ++v) sum[r][v] = V::MulAdd(factor, b_part[v], sum[r][v]);
    }
    a += depth_step;
    b += b_step;
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVecs; ++v) {
      const int64_t count = v == kLast ? last_count : V::kLanes;
      float* const to = c + r * p.c_step + v * V::kLanes;
      // Added last, so that each product is summed by itself: rounding grows with its depth alone.
      if (p.start == Start::kSum) {
        sum[r][v] = V::Add(sum[r][v], V::LoadFirst(to, count));
      } else if (p.start == Start::kBias) {
        sum[r][v] = V::Add(sum[r][v], V::LoadFirst(p.bias + column + v * V::kLanes, count));
      }
      if (p.relu) sum[r][v] = V::Max(V::Zero(), sum[r][v]);  // keeps NaN
      V::StoreFirst(to, sum[r][v], count);
    }
  }
}

// The rows that fill no tile: kRows - 1 of them down to 1.
template <class V, int kRows, int kVecs>
PPR_FUSED_INLINE void MultiplyRest(const Product& p, int64_t row, int64_t column) {
  if constexpr (kRows > 0) {
    if (p.rows - row == kRows) {
      MultiplyTile<V, kRows, kVecs>(p, row, column);
    } else {
      MultiplyRest<V, kRows - 1, kVecs>(p, row, column);
    }
  }
}

template <class V, int kVecs>
PPR_FUSED_INLINE void MultiplyPanel(const Product& p, int64_t column) {
  int64_t row = 0;
  for (; row + V::kTileRows <= p.rows; row += V::kTileRows)
    MultiplyTile<V, V::kTileRows, kVecs>(p, row, column);
  MultiplyRest<V, V::kTileRows - 1, kVecs>(p, row, column);
}

// The columns that fill no panel of kTileVecs vectors.
template <class V, int kVecs>
PPR_FUSED_INLINE void MultiplyNarrow(const Product& p, int64_t column) {
  if constexpr (kVecs > 0) {
    if (p.columns - column > (kVecs - 1) * V::kLanes) {
      MultiplyPanel<V, kVecs>(p, column);
    } else {
      MultiplyNarrow<V, kVecs - 1>(p, column);
    }
  }
}

// Depth of one pass: B's part stays in the first-level cache, and rounding grows with this, not with the
// depth.
inline constexpr int64_t kDepth = 192;

template <class V>
PPR_FUSED_INLINE void MultiplyOnce(const Product& p) {
  constexpr int64_t kPanel = V::kTileVecs * V::kLanes;
  int64_t column = 0;
  for (; column + kPanel <= p.columns; column += kPanel) MultiplyPanel<V, V::kTileVecs>(p, column);
  MultiplyNarrow<V, V::kTileVecs>(p, column);
}

template <class V>
void Multiply(const Product& whole) {
  if (whole.depth <= kDepth) {
    MultiplyOnce<V>(whole);
    return;
  }
  for (int64_t done = 0; done < whole.depth; done += kDepth) {
    Product p = whole;
    const bool last = done + kDepth >= whole.depth;
    p.depth = last ? whole.depth - done : kDepth;
    p.a.data += done * p.a.depth_step;
    p.b += done * p.b_step;
    if (done > 0) p.start = Start::kSum;
    p.relu = whole.relu && last;
    MultiplyOnce<V>(p);
  }
}

}  // namespace ppr::model::fused
