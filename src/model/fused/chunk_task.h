// What the fused kernels work on: plain pointers and numbers, the same for every instruction set.
//
// A chunk is a run of whole sequences of a packed batch, some 96 tokens: small enough that everything a chunk
// needs between embedding and the last gradient stays in a core's cache, large enough for whole register
// tiles.
#pragma once

#include <cstdint>

#include "model/losses/registry.h"

namespace ppr::model::fused {

struct EncoderShape {
  int64_t blocks, heads, width, ffn_width;  // width and ffn_width are multiples of 16
  bool pre_norm, gelu, embedding_norm, output_projection, final_norm, residual_from_norm;
  float embedding_scale;       // of tokens with a position
  float epsilon;               // of layer norms
  uint32_t dropout_threshold;  // DropoutThreshold of the rate; 0 = no dropout
  float dropout_scale;         // DropoutScale of the threshold
};

// Where parameters lie in the flat buffer; -1 where the encoder has none.
struct BlockOffsets {
  int64_t norm1_gain, norm1_bias, qkv_weight, query_bias, value_bias, output_weight, output_bias;
  int64_t norm2_gain, norm2_bias, ffn1_weight, ffn1_bias, ffn2_weight, ffn2_bias;
};
struct EncoderOffsets {
  int64_t positions, embedding_gain, embedding_bias, final_gain, final_bias;
  const BlockOffsets* blocks;
};

// One batch through one encoder.
struct EncoderTask {
  EncoderShape shape;
  EncoderOffsets offsets;
  const float* values;         // the flat parameters
  const float* transposed;     // per block: qkv [3d, d], output [d, d], ffn1 [f, d], ffn2 [d, f], transposed
  const int64_t* sequences;    // [B + 1]: sequence b is tokens [sequences[b], sequences[b + 1])
  const float* const* inputs;  // [T]: each token's row of d floats
  const int64_t* positions;    // [T]: row of the position table or -1
  const int64_t* token_keys;   // [T]; null without dropout
};

// Sequences [first, last) of the batch.
struct Chunk {
  int64_t first, last;
};

// Floats that a chunk needs: `saved` from its forward to its backward pass, `scratch` within a pass.
struct ChunkMemory {
  int64_t saved, scratch;
};

// The next-item loss of the targets of a batch (losses/terms.h). Targets of a sequence are consecutive.
struct NextItemTask {
  NextItemLossSpec loss;         // one that has terms
  int64_t width, negatives;      // d; K >= 1
  float scale;                   // of the gradients: 1 / targets of the global batch
  const int64_t* targets;        // [B + 1]: sequence b has targets [targets[b], targets[b + 1])
  const int64_t* target_tokens;  // [N]: read-out token, or -1 for none
  const float* profiles;         // [B, d] added to the read-out; null = none
  // Own negatives: the rows of target n are candidates[n (1 + K) ...], the positive first. Shared negatives
  // (`shared` not null): one row a target, its positive, and K rows for all.
  const float* const* candidates;
  const float* shifts;             // of negatives' scores: [N, K], or [shared_step] when shared; null = none
  const float* shared;             // [K, d]
  const float* shared_transposed;  // [d, shared_step], zeros past K
  int64_t shared_step;             // K rounded up to a multiple of 16
  const int64_t* excluded;         // [B + 1]: of sequence b, excluded_index[excluded[b] ...] are not for it
  const int64_t* excluded_index;   // places in `shared`
  // Results.
  float* users;         // [N, d]
  float* coefficients;  // [N, 1 + K], or [N] of the positives: d loss / d score
};

// What one chunk gives beside its rows of the results; each thread has its own, which are added up.
struct NextItemSums {
  double loss;              // sum over targets, unscaled
  float* shared_gradient;   // [K, d] += ; null with own negatives
  float* profile_gradient;  // [B, d]: the chunk's rows are written; null without profiles
};

}  // namespace ppr::model::fused
