#include "model/small_matmul.h"

#include "base/multi_target.h"
#include "model/simd.h"

#pragma GCC diagnostic ignored "-Wpsabi"  // vectors never cross a call that is not inlined

namespace ppr::model {
namespace {

template <typename Scalar>
struct Product {
  int64_t columns, depth;
  StridedMatrix<Scalar> a;
  const Scalar* b;
  int64_t b_row_step;
  Scalar* c;
  int64_t c_row_step;
  bool accumulate;
};

// kRows rows of C from row `row` on, kVecs vectors from column `column` on, summed in registers.
template <int kRows, int kVecs, typename Scalar>
PPR_INLINE void MultiplyTile(const Product<Scalar>& p, int64_t row, int64_t column) {
  constexpr int64_t kLanes = simd::kLanes<Scalar>;
  simd::Vec<Scalar> sums[kRows][kVecs] = {};
  const Scalar* const a = p.a.data + row * p.a.row_step;
  const Scalar* const b = p.b + column;
  for (int64_t k = 0; k < p.depth; ++k) {
    simd::Vec<Scalar> b_row[kVecs];
    for (int v = 0; v < kVecs; ++v) simd::Load<Scalar>(b + k * p.b_row_step + v * kLanes, b_row[v]);
    for (int r = 0; r < kRows; ++r) {
      const Scalar factor = a[r * p.a.row_step + k * p.a.column_step];
      for (int v = 0; v < kVecs; ++v) sums[r][v] += factor * b_row[v];
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVecs; ++v) {
      Scalar* const to = p.c + (row + r) * p.c_row_step + column + v * kLanes;
      simd::Vec<Scalar> before{};
      if (p.accumulate) simd::Load<Scalar>(to, before);
      simd::Store<Scalar>(sums[r][v] + before, to);
    }
  }
}

// kRows whole rows: double vectors, single vectors, then the columns that fill no vector.
template <int kRows, typename Scalar>
PPR_INLINE void MultiplyRows(const Product<Scalar>& p, int64_t row) {
  constexpr int64_t kLanes = simd::kLanes<Scalar>;
  int64_t column = 0;
  for (; column + 2 * kLanes <= p.columns; column += 2 * kLanes) MultiplyTile<kRows, 2>(p, row, column);
  for (; column + kLanes <= p.columns; column += kLanes) MultiplyTile<kRows, 1>(p, row, column);
  for (int r = 0; r < kRows; ++r) {
    const Scalar* const a = p.a.data + (row + r) * p.a.row_step;
    Scalar* const c = p.c + (row + r) * p.c_row_step;
    for (int64_t tail = column; tail < p.columns; ++tail) {
      Scalar sum = p.accumulate ? c[tail] : Scalar{0};
      for (int64_t k = 0; k < p.depth; ++k) sum += a[k * p.a.column_step] * p.b[k * p.b_row_step + tail];
      c[tail] = sum;
    }
  }
}

template <typename Scalar>
PPR_INLINE void MultiplyAll(int64_t rows, const Product<Scalar>& p) {
  int64_t row = 0;
  for (; row + 6 <= rows; row += 6)
    MultiplyRows<6>(p, row);  // 12 accumulators hide the latency of multiply-add
  for (; row + 2 <= rows; row += 2) MultiplyRows<2>(p, row);
  if (row < rows) MultiplyRows<1>(p, row);
}

}  // namespace

PPR_MULTI_TARGET void MultiplySmall(int64_t rows, int64_t columns, int64_t depth,
                                    const StridedMatrix<float>& a, const float* b, int64_t b_row_step,
                                    float* c, int64_t c_row_step, MatmulMode mode) {
  MultiplyAll<float>(rows,
                     {columns, depth, a, b, b_row_step, c, c_row_step, mode == MatmulMode::kAccumulate});
}

PPR_MULTI_TARGET void MultiplySmall(int64_t rows, int64_t columns, int64_t depth,
                                    const StridedMatrix<double>& a, const double* b, int64_t b_row_step,
                                    double* c, int64_t c_row_step, MatmulMode mode) {
  MultiplyAll<double>(rows,
                      {columns, depth, a, b, b_row_step, c, c_row_step, mode == MatmulMode::kAccumulate});
}

}  // namespace ppr::model
