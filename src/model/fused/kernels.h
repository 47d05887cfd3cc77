// The fused kernels of one instruction set, as a table of functions, and the choice between the sets.
#pragma once

#include <cstdint>

#include "model/fused/chunk_task.h"

namespace ppr::model::fused {

struct Product;

// All functions work on the calling thread and allocate nothing.
struct Kernels {
  const char* name;  // "avx512" or "avx2"

  // C = A B, the product that all others are made of (gemm.h).
  void (*multiply)(const Product& product);
  // to [columns, rows] = the transpose of from [rows, columns]; both are multiples of 16.
  void (*transpose)(const float* from, int64_t rows, int64_t columns, float* to);
  ChunkMemory (*encoder_memory)(const EncoderShape& shape, const int64_t* sequences, Chunk chunk);
  int64_t (*next_item_scratch)(const NextItemTask& task, int64_t targets);

  // output [n, d] of the chunk's n tokens. `saved` holds what Backward needs.
  void (*forward)(const EncoderTask& task, Chunk chunk, float* saved, float* scratch, float* output);
  // output [sequences, d]: each sequence's last token; zeros for an empty one. No dropout, no way back.
  void (*forward_last)(const EncoderTask& task, Chunk chunk, float* saved, float* scratch, float* output);
  // d_output [n, d], followed by a readable cache line, is used up. gradients: the flat encoder parameters,
  // added to; null when frozen. d_inputs [n, d].
  void (*backward)(const EncoderTask& task, Chunk chunk, float* saved, float* scratch, float* d_output,
                   float* gradients, float* d_inputs);
  // hidden, d_hidden [n, d] of the chunk's n tokens, the first of which is `first_token`.
  void (*next_item)(const NextItemTask& task, Chunk chunk, float* scratch, const float* hidden,
                    int64_t first_token, int64_t tokens, float* d_hidden, NextItemSums* sums);

  // to[c] = sum over i < n of factors[i] * rows[i][c]; width is a multiple of 16.
  void (*weighted_sum)(const float* const* rows, const float* factors, int64_t n, int64_t width, float* to);
  // True when all of x [n] are finite.
  bool (*all_finite)(const float* x, int64_t n);
};

enum class InstructionSet { kAvx2, kAvx512 };

// Null where this processor, or this build, lacks it.
const Kernels* KernelsFor(InstructionSet set);
// The best that this processor has; null when it has neither.
const Kernels* BestKernels();

extern const Kernels kAvx2Kernels, kAvx512Kernels;

}  // namespace ppr::model::fused
