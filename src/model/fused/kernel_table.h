// Fills in the table of kernels for the lanes V. Included once by each instruction set's own file.
#pragma once

#include "model/fused/encoder_backward.h"
#include "model/fused/encoder_forward.h"
#include "model/fused/kernels.h"
#include "model/fused/next_item_chunk.h"

namespace ppr::model::fused {

template <class V>
struct KernelTable {
  static void Transpose(const float* from, int64_t rows, int64_t columns, float* to) {
    for (int64_t row = 0; row < rows; row += V::kLanes) {
      for (int64_t column = 0; column < columns; column += V::kLanes) {
        V::Transpose(from + row * columns + column, columns, V::kLanes, to + column * rows + row, rows);
      }
    }
  }

  static ChunkMemory EncoderMemory(const EncoderShape& shape, const int64_t* sequences, Chunk chunk) {
    return LayOut<V>(shape, sequences, chunk).total;
  }

  static void Forward(const EncoderTask& task, Chunk chunk, float* saved, float* scratch, float* output) {
    EncoderForward<V>(task, chunk, saved, scratch).Run(output);
  }

  static void ForwardLast(const EncoderTask& task, Chunk chunk, float* saved, float* scratch, float* output) {
    EncoderForward<V>(task, chunk, saved, scratch).RunLast(output);
  }

  static void Backward(const EncoderTask& task, Chunk chunk, float* saved, float* scratch, float* d_output,
                       float* gradients, float* d_inputs) {
    EncoderBackward<V>(task, chunk, saved, scratch).Run(d_output, gradients, d_inputs);
  }

  static void NextItem(const NextItemTask& task, Chunk chunk, float* scratch, const float* hidden,
                       int64_t first_token, int64_t tokens, float* d_hidden, NextItemSums* sums) {
    NextItemChunk<V>(task, chunk, scratch).Run(hidden, first_token, tokens, d_hidden, sums);
  }

  // kVecs vectors of columns from `column` on, in registers.
  template <int kVecs>
  PPR_FUSED_INLINE static void WeightedPanel(const float* const* rows, const float* factors, int64_t n,
                                             int64_t column, float* to) {
    typename V::Floats sum[kVecs];
    for (int v = 0; v < kVecs; ++v) sum[v] = V::Zero();
    for (int64_t i = 0; i < n; ++i) {
      const typename V::Floats factor = V::Set(factors[i]);
      for (int v = 0; v < kVecs; ++v)
        sum[v] = V::MulAdd(factor, V::Load(rows[i] + column + v * V::kLanes), sum[v]);
    }
    for (int v = 0; v < kVecs; ++v) V::Store(to + column + v * V::kLanes, sum[v]);
  }

  static void WeightedSum(const float* const* rows, const float* factors, int64_t n, int64_t width,
                          float* to) {
    int64_t column = 0;
    for (; column + 4 * V::kLanes <= width; column += 4 * V::kLanes)
      WeightedPanel<4>(rows, factors, n, column, to);
    for (; column < width; column += V::kLanes) WeightedPanel<1>(rows, factors, n, column, to);
  }

  static bool AllFinite(const float* x, int64_t n) {
    typename V::Floats sum = V::Zero();  // of zeros, unless one is not finite
    for (int64_t i = 0; i < n; i += V::kLanes) sum = V::MulAdd(V::LoadFirst(x + i, n - i), V::Zero(), sum);
    return V::Sum(sum) == 0;
  }

  static constexpr Kernels Make(const char* name) {
    return {name,        Multiply<V>, Transpose, EncoderMemory, NextItemScratch<V>, Forward,
            ForwardLast, Backward,    NextItem,  WeightedSum,   AllFinite};
  }
};

}  // namespace ppr::model::fused
