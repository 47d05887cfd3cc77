// Parts of the fused kernels that src/model/fused/kernels.h does not offer alone, for measuring them: one
// table an instruction set, as there.
#pragma once

#include <cstdint>

#include "model/fused/causal_attention.h"
#include "model/fused/layer_norm.h"

namespace ppr::bench {

struct FusedParts {
  // As the templates of the same names (causal_attention.h).
  void (*attention_forward)(const model::fused::AttentionHead& head, float* keys_scratch, float* kept_scratch,
                            float* output, int64_t output_step);
  void (*attention_backward)(const model::fused::AttentionHead& head,
                             const model::fused::AttentionGradients& to, float* values_scratch,
                             float* scores_scratch);
  // As the templates of the same names (layer_norm.h).
  void (*normalise_rows)(const model::fused::NormParameters& p, const float* x, int64_t rows, float* to,
                         model::fused::RowMoments* moments);
  void (*normalise_rows_backward)(const model::fused::NormParameters& p, const float* x,
                                  const model::fused::RowMoments* moments, const float* dy, int64_t rows,
                                  const float* residual, float* dx);
  // One bit an element of [rows, width] (dropout.h).
  void (*dropout_masks)(const int64_t* token_keys, int64_t rows, int64_t width, uint32_t threshold,
                        uint8_t* masks);
};

// The best of this processor.
const FusedParts& BestFusedParts();

extern const FusedParts kAvx2Parts, kAvx512Parts;

}  // namespace ppr::bench
