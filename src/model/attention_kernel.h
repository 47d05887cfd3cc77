// The CPU kernel of attention over packed sequences: plain loops on pointers, float32 and float64.
//
// Works on query blocks of a few rows at a time against all keys they see, so that scratch memory grows
// with the longest sequence, not with its square. The backward pass forms the weights again from the saved
// log-sum-exp and draws the dropout mask again.
#pragma once

#include <cstdint>

#include "model/encoder_config.h"

namespace ppr::model {

template <typename Scalar>
struct AttentionProblem {
  const Scalar* qkv;           // [T, 3 * width]: query, key, value side by side
  int64_t width;               // d
  int64_t heads;               // divides width
  const int64_t* offsets;      // sequence b is tokens [offsets[b], offsets[b+1])
  const int64_t* token_keys;   // [T], or null without dropout
  uint64_t site;               // dropout site
  uint32_t dropout_threshold;  // as DropoutThreshold
  AttentionSpan span;
};

// Scalars of scratch that one call needs for sequences of at most `longest` tokens.
template <typename Scalar>
int64_t AttentionScratchSize(int64_t longest, int64_t head_width);

// Sequences [first, last). output [T, width]; log_sum_exp [T, heads].
void AttentionForward(const AttentionProblem<float>& problem, int64_t first, int64_t last, float* scratch,
                      float* output, float* log_sum_exp);
void AttentionForward(const AttentionProblem<double>& problem, int64_t first, int64_t last, double* scratch,
                      double* output, double* log_sum_exp);

// Sequences [first, last). output_gradient [T, width]; writes qkv_gradient [T, 3 * width].
void AttentionBackward(const AttentionProblem<float>& problem, int64_t first, int64_t last, float* scratch,
                       const float* log_sum_exp, const float* output_gradient, float* qkv_gradient);
void AttentionBackward(const AttentionProblem<double>& problem, int64_t first, int64_t last, double* scratch,
                       const double* log_sum_exp, const double* output_gradient, double* qkv_gradient);

}  // namespace ppr::model
