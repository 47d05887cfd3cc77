// Where the activations of a chunk lie in its memory.
#pragma once

#include <cstdint>

#include "model/fused/causal_attention.h"
#include "model/fused/chunk_task.h"

namespace ppr::model::fused {

// Offsets in floats from the start of a block's part of the saved memory.
struct BlockLayout {
  int64_t attention_input, qkv, weights, attended, sum, ffn_input, inner, active, output_sum, output;
  int64_t attention_masks, ffn_masks, input_moments, sum_moments, output_moments;
};

struct ChunkLayout {
  // In the saved memory, from its start; hidden[0] is the first block's input, hidden[1] the first one's
  // output.
  int64_t hidden[2], embedding_sum, embedding_masks, embedding_moments, final_moments;
  BlockLayout block;   // of block 0, from the start of the saved memory
  int64_t block_size;  // from a block to the next
  // In the scratch memory.
  int64_t branch, wide, d_attended, transposed_head, kept_weights, score_gradients, qkv_bias, last_rows;
  ChunkMemory total;
};

// Hands out places, each a whole number of cache lines and followed by one: whole vectors may be read past
// the end of a matrix.
class PlaceCounter {
 public:
  PPR_FUSED_INLINE int64_t Take(int64_t floats) {
    const int64_t here = next_;
    next_ += (floats + 15) / 16 * 16 + 16;
    return here;
  }
  PPR_FUSED_INLINE int64_t taken() const { return next_; }

 private:
  int64_t next_ = 0;
};

struct ChunkSize {
  // rows: when read, a row a sequence, also empty ones; longest: tokens of one sequence.
  int64_t tokens, rows, sequences, longest;
};

template <class V>
PPR_FUSED_INLINE void PlaceScratch(const EncoderShape& shape, ChunkSize size, ChunkLayout* to) {
  const int64_t d = shape.width, f = shape.ffn_width;
  const int64_t head_width = shape.width / shape.heads;
  PlaceCounter scratch;
  to->branch = scratch.Take(size.rows * d);
  to->wide = scratch.Take(size.tokens * (3 * d > f ? 3 * d : f));
  to->d_attended = scratch.Take(size.tokens * d);
  to->transposed_head = scratch.Take(WholeVectors<V>(head_width) * WholeVectors<V>(size.longest));
  to->kept_weights = scratch.Take(V::kTileRows * WholeVectors<V>(size.longest));
  to->score_gradients = scratch.Take(size.longest * WholeVectors<V>(size.longest));
  to->qkv_bias = scratch.Take(3 * d);
  to->last_rows = scratch.Take((size.sequences + 1) * (8 * d + 2 * f));
  to->total.scratch = scratch.taken();
}

template <class V>
ChunkLayout LayOut(const EncoderShape& shape, const int64_t* sequences, Chunk chunk) {
  const int64_t n = sequences[chunk.last] - sequences[chunk.first], d = shape.width, f = shape.ffn_width;
  const int64_t mask_floats = shape.dropout_threshold > 0 ? (n * d / 8 + 3) / 4 : 0;
  int64_t weights = 0, longest = 0;
  for (int64_t b = chunk.first; b < chunk.last; ++b) {
    const int64_t tokens = sequences[b + 1] - sequences[b];
    weights += shape.heads * tokens * WholeVectors<V>(tokens);
    if (tokens > longest) longest = tokens;
  }
  const int64_t sequences_here = chunk.last - chunk.first;
  const int64_t rows = n > sequences_here ? n : sequences_here;
  ChunkLayout to{};
  PlaceCounter saved;
  to.hidden[0] = saved.Take(n * d);
  to.embedding_sum = saved.Take(shape.embedding_norm ? n * d : 0);
  to.embedding_masks = saved.Take(mask_floats);
  to.embedding_moments = saved.Take(shape.embedding_norm ? 2 * n : 0);
  to.final_moments = saved.Take(2 * rows);
  const int64_t first_block = saved.taken();
  to.block.attention_input = saved.Take(shape.pre_norm ? n * d : 0);
  to.block.qkv = saved.Take(3 * n * d);
  to.block.weights = saved.Take(weights);
  to.block.attended = saved.Take(n * d);
  to.block.sum = saved.Take(n * d);
  to.block.ffn_input = saved.Take(n * d);
  to.block.active = saved.Take(n * f);
  to.block.inner = saved.Take(shape.gelu ? n * f : 0);
  to.block.output_sum = saved.Take(shape.pre_norm ? 0 : n * d);
  to.block.output = saved.Take(n * d);
  to.block.attention_masks = saved.Take(mask_floats);
  to.block.ffn_masks = saved.Take(mask_floats);
  to.block.input_moments = saved.Take(shape.pre_norm ? 2 * n : 0);
  to.block.sum_moments = saved.Take(2 * rows);
  to.block.output_moments = saved.Take(shape.pre_norm ? 0 : 2 * rows);
  to.hidden[1] = to.block.output;
  to.block_size = saved.taken() - first_block;
  to.total.saved = first_block + shape.blocks * to.block_size;

  PlaceScratch<V>(shape, {.tokens = n, .rows = rows, .sequences = sequences_here, .longest = longest}, &to);
  return to;
}

}  // namespace ppr::model::fused
