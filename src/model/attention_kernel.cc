#include "model/attention_kernel.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/multi_target.h"
#include "model/dropout_bits.h"
#include "model/simd.h"
#include "model/small_matmul.h"

#pragma GCC diagnostic ignored "-Wpsabi"  // vectors never cross a call that is not inlined

namespace ppr::model {
namespace {

constexpr int64_t kQueryBlock = 24;  // rows of scores formed at once; a multiple of the product's 6 rows

template <typename Scalar>
PPR_INLINE int64_t RoundedUpToLanes(int64_t n) {
  return (n + simd::kLanes<Scalar> - 1) / simd::kLanes<Scalar> * simd::kLanes<Scalar>;
}

// x := exp(x) for x <= 0 (a rounding above is fine). float32: exp(x) = 2^n exp(r) with |r| <= ln(2) / 2 and a
// Taylor polynomial whose error, r^8 / 8! < 6e-9, is below float32's rounding; results below 2^-125 become 0.
PPR_INLINE void ExpNonPositive(simd::Vec<float>& x) {
  using UintVec __attribute__((vector_size(64))) = uint32_t;
  constexpr float kLowest = -86.0F;
  constexpr float kRounder =
      12582912.0F;  // 1.5 * 2^23: adding it leaves the nearest integer in the low mantissa bits
  const simd::Vec<float> zero{};
  const simd::IntVec<float> vanishes = x < kLowest;
  x = vanishes ? zero + kLowest : x;
  const simd::Vec<float> shifted = x * 1.44269504F + kRounder;
  const simd::Vec<float> n = shifted - kRounder;
  const simd::Vec<float> r = (x - n * 0.693359375F) + n * 2.12194440e-4F;  // ln 2 in two parts
  simd::Vec<float> sum = r * (1.0F / 5040) + 1.0F / 720;
  sum = sum * r + 1.0F / 120;
  sum = sum * r + 1.0F / 24;
  sum = sum * r + 1.0F / 6;
  sum = sum * r + 0.5F;
  sum = sum * r + 1.0F;
  sum = sum * r + 1.0F;
  UintVec exponent;
  std::memcpy(&exponent, &shifted, sizeof(exponent));
  exponent = (exponent + 127U) << 23;
  simd::Vec<float> power;
  std::memcpy(&power, &exponent, sizeof(power));
  x = vanishes ? zero : sum * power;
}

PPR_INLINE void ExpNonPositive(simd::Vec<double>& x) {
  for (int64_t i = 0; i < simd::kLanes<double>; ++i) x[i] = std::exp(x[i]);
}

// Scratch of one (sequence, head).
template <typename Scalar>
struct Scratch {
  Scalar* keys;       // [head_width, padded] transposed
  Scalar* values;     // [head_width, padded] transposed; backward only
  Scalar* weights;    // [kQueryBlock, padded] scores, then weights
  Scalar* gradients;  // [kQueryBlock, padded] gradients of weights, then of scores; backward only
  Scalar* factors;    // [padded] dropout factors of one row
};

// One head of one sequence.
template <typename Scalar>
struct Head {
  const AttentionProblem<Scalar>& problem;
  int64_t index;        // which head
  int64_t first_token;  // of the sequence, in the batch
  int64_t tokens;       // n
  int64_t padded;       // n rounded up to whole vectors: the row step of scratch
  int64_t width;        // of one head
  Scalar scale;         // 1 / sqrt(width)
  Scratch<Scalar> scratch;

  int64_t qkv_step() const { return 3 * problem.width; }
  int64_t qkv_offset() const { return first_token * qkv_step() + index * width; }
  const Scalar* query() const { return problem.qkv + qkv_offset(); }
  const Scalar* key() const { return query() + problem.width; }
  const Scalar* value() const { return key() + problem.width; }
  bool drops() const { return problem.dropout_threshold > 0; }
  bool causal() const { return problem.span == AttentionSpan::kCausal; }
  // Keys that the query token `row` sees: of the first ones, this many.
  int64_t seen_by(int64_t row) const { return causal() ? row + 1 : tokens; }
};

template <typename Scalar>
PPR_INLINE Head<Scalar> MakeHead(const AttentionProblem<Scalar>& problem, int64_t sequence, int64_t index,
                                 Scalar* scratch) {
  const int64_t first_token = problem.offsets[sequence];
  const int64_t tokens = problem.offsets[sequence + 1] - first_token;
  const int64_t padded = RoundedUpToLanes<Scalar>(tokens);
  const int64_t width = problem.width / problem.heads;
  const auto scale = static_cast<Scalar>(1.0 / std::sqrt(static_cast<double>(width)));
  Scalar* const values = scratch + width * padded;
  Scalar* const weights = values + width * padded;
  Scalar* const gradients = weights + kQueryBlock * padded;
  return {
      problem, index, first_token, tokens,
      padded,  width, scale,       {scratch, values, weights, gradients, gradients + kQueryBlock * padded}};
}

// to [width, padded] := the transpose of from [tokens, width] (rows `step` apart); padding columns are 0.
template <typename Scalar>
PPR_INLINE void Transpose(const Head<Scalar>& head, const Scalar* from, int64_t step, Scalar* to) {
  for (int64_t c = 0; c < head.width; ++c) {
    Scalar* __restrict row = to + c * head.padded;
    for (int64_t j = 0; j < head.tokens; ++j) row[j] = from[j * step + c];
    for (int64_t j = head.tokens; j < head.padded; ++j) row[j] = 0;
  }
}

// What the row may not see becomes a score that exp() turns into 0.
template <typename Scalar>
PPR_INLINE void HideUnseen(Scalar* row, int64_t visible, int64_t columns) {
  for (int64_t j = visible; j < columns; ++j) row[j] = std::numeric_limits<Scalar>::lowest();
}

// Scores to weights, in place; returns the log-sum-exp of the scaled scores.
template <typename Scalar>
PPR_INLINE Scalar SoftmaxRow(Scalar* row, int64_t columns, Scalar scale) {
  constexpr int64_t kLanes = simd::kLanes<Scalar>;
  simd::Vec<Scalar> lanes, largest, sum{};
  simd::Load<Scalar>(row, largest);
  for (int64_t j = kLanes; j < columns; j += kLanes) {
    simd::Load<Scalar>(row + j, lanes);
    largest = lanes > largest ? lanes : largest;
  }
  const Scalar top = simd::Max<Scalar>(largest);
  for (int64_t j = 0; j < columns; j += kLanes) {
    simd::Load<Scalar>(row + j, lanes);
    lanes = (lanes - top) * scale;
    ExpNonPositive(lanes);
    sum += lanes;
    simd::Store<Scalar>(lanes, row + j);
  }
  const Scalar total = simd::Sum<Scalar>(sum);
  const Scalar inverse = 1 / total;
  for (int64_t j = 0; j < columns; ++j) row[j] *= inverse;
  return top * scale + std::log(total);
}

// factors[j] := 0 where the weight of query token `row` on token j is dropped, else what it is scaled by.
template <typename Scalar>
PPR_INLINE void DrawFactors(const Head<Scalar>& head, int64_t row, int64_t columns) {
  const uint32_t threshold = head.problem.dropout_threshold;
  const auto keep = static_cast<Scalar>(DropoutScale(threshold));
  const auto key = static_cast<uint64_t>(head.problem.token_keys[head.first_token + row]);
  const uint64_t site = head.problem.site;
  const uint32_t first_lane = static_cast<uint32_t>(head.index) << 20;
  const auto lanes = static_cast<uint32_t>(columns);
  Scalar* __restrict factors = head.scratch.factors;
  for (uint32_t j = 0; j < lanes; ++j) {
    factors[j] = DropoutKeep(key, site, first_lane + j, threshold) ? keep : Scalar{0};
  }
}

template <typename Scalar>
PPR_INLINE void ForwardHead(const Head<Scalar>& head, Scalar* output, Scalar* log_sum_exp) {
  const AttentionProblem<Scalar>& problem = head.problem;
  const Scratch<Scalar>& scratch = head.scratch;
  const int64_t step = head.qkv_step();
  Transpose(head, head.key(), step, scratch.keys);
  for (int64_t i0 = 0; i0 < head.tokens; i0 += kQueryBlock) {
    const int64_t rows = std::min(kQueryBlock, head.tokens - i0);
    const int64_t seen = head.seen_by(i0 + rows - 1);  // keys that the block's last token sees
    const int64_t columns = RoundedUpToLanes<Scalar>(seen);
    MultiplySmall(rows, columns, head.width, {head.query() + i0 * step, step, 1}, scratch.keys, head.padded,
                  scratch.weights, head.padded, MatmulMode::kOverwrite);
    for (int64_t i = i0; i < i0 + rows; ++i) {
      Scalar* __restrict row = scratch.weights + (i - i0) * head.padded;
      HideUnseen(row, head.seen_by(i), columns);
      log_sum_exp[(head.first_token + i) * problem.heads + head.index] = SoftmaxRow(row, columns, head.scale);
      if (!head.drops()) continue;
      DrawFactors(head, i, columns);
      for (int64_t j = 0; j < columns; ++j) row[j] *= scratch.factors[j];
    }
    MultiplySmall(rows, head.width, seen, {scratch.weights, head.padded, 1}, head.value(), step,
                  output + (head.first_token + i0) * problem.width + head.index * head.width, problem.width,
                  MatmulMode::kOverwrite);
  }
}

// weights: scores in, dropped weights out; gradients: of the dropped weights in, of the scores out.
template <typename Scalar>
PPR_INLINE void BackwardRow(const Head<Scalar>& head, Scalar* weights, Scalar* gradients, int64_t columns,
                            Scalar log_sum_exp) {
  constexpr int64_t kLanes = simd::kLanes<Scalar>;
  const Scalar* const factors = head.scratch.factors;
  const bool drops = head.drops();
  simd::Vec<Scalar> weight, gradient, factor, delta{};
  for (int64_t j = 0; j < columns; j += kLanes) {
    simd::Load<Scalar>(weights + j, weight);
    simd::Load<Scalar>(gradients + j, gradient);
    weight = weight * head.scale - log_sum_exp;
    ExpNonPositive(weight);
    if (drops) {
      simd::Load<Scalar>(factors + j, factor);
      gradient *= factor;
    }
    delta += weight * gradient;
    simd::Store<Scalar>(weight, weights + j);
    simd::Store<Scalar>(gradient, gradients + j);
  }
  const Scalar mean_gradient = simd::Sum<Scalar>(delta);
  for (int64_t j = 0; j < columns; j += kLanes) {
    simd::Load<Scalar>(weights + j, weight);
    simd::Load<Scalar>(gradients + j, gradient);
    simd::Store<Scalar>(weight * (gradient - mean_gradient) * head.scale, gradients + j);
    if (drops) {
      simd::Load<Scalar>(factors + j, factor);
      simd::Store<Scalar>(weight * factor, weights + j);
    }
  }
}

template <typename Scalar>
PPR_INLINE void BackwardHead(const Head<Scalar>& head, const Scalar* log_sum_exp,
                             const Scalar* output_gradient, Scalar* qkv_gradient) {
  const AttentionProblem<Scalar>& problem = head.problem;
  const Scratch<Scalar>& scratch = head.scratch;
  const int64_t step = head.qkv_step();
  Scalar* const query_gradient = qkv_gradient + head.qkv_offset();
  Scalar* const key_gradient = query_gradient + problem.width;
  Scalar* const value_gradient = key_gradient + problem.width;
  Transpose(head, head.key(), step, scratch.keys);
  Transpose(head, head.value(), step, scratch.values);
  for (int64_t i0 = 0; i0 < head.tokens; i0 += kQueryBlock) {
    const int64_t rows = std::min(kQueryBlock, head.tokens - i0);
    const int64_t seen = head.seen_by(i0 + rows - 1);
    const int64_t columns = RoundedUpToLanes<Scalar>(seen);
    const Scalar* const gradient_rows =
        output_gradient + (head.first_token + i0) * problem.width + head.index * head.width;
    MultiplySmall(rows, columns, head.width, {head.query() + i0 * step, step, 1}, scratch.keys, head.padded,
                  scratch.weights, head.padded, MatmulMode::kOverwrite);
    MultiplySmall(rows, columns, head.width, {gradient_rows, problem.width, 1}, scratch.values, head.padded,
                  scratch.gradients, head.padded, MatmulMode::kOverwrite);
    for (int64_t i = i0; i < i0 + rows; ++i) {
      Scalar* const weights = scratch.weights + (i - i0) * head.padded;
      HideUnseen(weights, head.seen_by(i), columns);
      if (head.drops()) DrawFactors(head, i, columns);
      BackwardRow(head, weights, scratch.gradients + (i - i0) * head.padded, columns,
                  log_sum_exp[(head.first_token + i) * problem.heads + head.index]);
    }
    MultiplySmall(rows, head.width, seen, {scratch.gradients, head.padded, 1}, head.key(), step,
                  query_gradient + i0 * step, step, MatmulMode::kOverwrite);
    // Keys and values that an earlier block saw add to what it wrote; others are written for the first time.
    const int64_t seen_before = i0 == 0 ? 0 : head.seen_by(i0 - 1);
    const auto add_columns = [&](int64_t j0, int64_t count, MatmulMode mode) __attribute__((always_inline)) {
      MultiplySmall(count, head.width, rows, {scratch.gradients + j0, 1, head.padded},
                    head.query() + i0 * step, step, key_gradient + j0 * step, step, mode);
      MultiplySmall(count, head.width, rows, {scratch.weights + j0, 1, head.padded}, gradient_rows,
                    problem.width, value_gradient + j0 * step, step, mode);
    };
    add_columns(0, seen_before, MatmulMode::kAccumulate);
    add_columns(seen_before, seen - seen_before, MatmulMode::kOverwrite);
  }
}

template <typename Scalar>
PPR_INLINE void ForwardSequences(const AttentionProblem<Scalar>& problem, int64_t first, int64_t last,
                                 Scalar* scratch, Scalar* output, Scalar* log_sum_exp) {
  for (int64_t sequence = first; sequence < last; ++sequence) {
    for (int64_t index = 0; index < problem.heads; ++index) {
      ForwardHead(MakeHead(problem, sequence, index, scratch), output, log_sum_exp);
    }
  }
}

template <typename Scalar>
PPR_INLINE void BackwardSequences(const AttentionProblem<Scalar>& problem, int64_t first, int64_t last,
                                  Scalar* scratch, const Scalar* log_sum_exp, const Scalar* output_gradient,
                                  Scalar* qkv_gradient) {
  for (int64_t sequence = first; sequence < last; ++sequence) {
    for (int64_t index = 0; index < problem.heads; ++index) {
      BackwardHead(MakeHead(problem, sequence, index, scratch), log_sum_exp, output_gradient, qkv_gradient);
    }
  }
}

}  // namespace

template <typename Scalar>
int64_t AttentionScratchSize(int64_t longest, int64_t head_width) {
  return RoundedUpToLanes<Scalar>(longest) * (2 * head_width + 2 * kQueryBlock + 1);
}
template int64_t AttentionScratchSize<float>(int64_t, int64_t);
template int64_t AttentionScratchSize<double>(int64_t, int64_t);

PPR_MULTI_TARGET void AttentionForward(const AttentionProblem<float>& problem, int64_t first, int64_t last,
                                       float* scratch, float* output, float* log_sum_exp) {
  ForwardSequences(problem, first, last, scratch, output, log_sum_exp);
}
PPR_MULTI_TARGET void AttentionForward(const AttentionProblem<double>& problem, int64_t first, int64_t last,
                                       double* scratch, double* output, double* log_sum_exp) {
  ForwardSequences(problem, first, last, scratch, output, log_sum_exp);
}
PPR_MULTI_TARGET void AttentionBackward(const AttentionProblem<float>& problem, int64_t first, int64_t last,
                                        float* scratch, const float* log_sum_exp,
                                        const float* output_gradient, float* qkv_gradient) {
  BackwardSequences(problem, first, last, scratch, log_sum_exp, output_gradient, qkv_gradient);
}
PPR_MULTI_TARGET void AttentionBackward(const AttentionProblem<double>& problem, int64_t first, int64_t last,
                                        double* scratch, const double* log_sum_exp,
                                        const double* output_gradient, double* qkv_gradient) {
  BackwardSequences(problem, first, last, scratch, log_sum_exp, output_gradient, qkv_gradient);
}

}  // namespace ppr::model
