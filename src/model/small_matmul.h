// Matrix products of a few dozen rows and columns on the calling thread: attention's blocks are too small for
// BLAS.
#pragma once

#include <cstdint>

namespace ppr::model {

// A matrix in memory: element (r, c) at data[r * row_step + c * column_step].
template <typename Scalar>
struct StridedMatrix {
  const Scalar* data;
  int64_t row_step;
  int64_t column_step;
};

enum class MatmulMode { kOverwrite, kAccumulate };

// C [rows, columns] = A [rows, depth] * B [depth, columns], or += with kAccumulate. Rows of B and of C are
// contiguous and b_row_step and c_row_step scalars apart.
void MultiplySmall(int64_t rows, int64_t columns, int64_t depth, const StridedMatrix<float>& a,
                   const float* b, int64_t b_row_step, float* c, int64_t c_row_step, MatmulMode mode);
void MultiplySmall(int64_t rows, int64_t columns, int64_t depth, const StridedMatrix<double>& a,
                   const double* b, int64_t b_row_step, double* c, int64_t c_row_step, MatmulMode mode);

}  // namespace ppr::model
