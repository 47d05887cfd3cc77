// Which thread takes which sequences of a batch, and in which chunks.
#pragma once

#include <cstdint>
#include <vector>

#include "model/fused/chunk_task.h"
#include "model/fused/kernels.h"

namespace ppr::model::fused {

// One thread's part of a batch: chunks of consecutive sequences, and the memory that they need, in floats.
struct Share {
  std::vector<Chunk> chunks;
  std::vector<int64_t> saved_at;  // of each chunk, in a memory that keeps all chunks' activations
  int64_t saved_total = 0;        // of that memory
  int64_t saved_largest = 0, scratch_largest = 0, tokens_largest = 0;  // over chunks
};

// Splits the sequences over `threads` threads by their work, to the nearest sequence, so that the split is a
// function of its arguments alone; some shares may be empty. The first thread has `busy_multiply_adds` of
// other work to do besides. Keeps the memory of `shares` from batch to batch.
void SplitBatch(const Kernels& kernels, const EncoderShape& shape, const std::vector<int64_t>& offsets,
                int64_t threads, int64_t busy_multiply_adds, std::vector<Share>* shares);

}  // namespace ppr::model::fused
