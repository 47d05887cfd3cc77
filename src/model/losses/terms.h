// What a next-item loss is made of, said once for every way to compute it.
//
// The loss of a target with score p of its positive and scores n_1 .. n_K of its negatives is
//     [positive(p)] + mean over k of negative(p, n_k)                   OverNegatives::kMean
//     [positive(p)] + negative(p, log sum over k of exp(n_k))           OverNegatives::kLogSumExp
// A loss is a class in a file of its own that states its facts and these terms, each with its derivative, on
// any type L of numbers: floats and doubles (ScalarTerms), vectors of the fused kernels (LaneTerms of
// fused/next_item_chunk.h), or tensors, which autograd differentiates (tensor_terms.h). Walks over
// candidates, masks and means stand in those ways. What L has:
//     Floats; Sub(a, b); Negate(x); Times(x, double); Softplus(x, derivative): log(1 + exp(x))
//
// These files are compiled for each instruction set: they hold templates and forced inlines alone.
#pragma once

#include <cmath>
#include <cstdint>

#include "model/simd.h"

namespace ppr::model {

enum class OverNegatives { kMean, kLogSumExp };

struct NextItemLossFacts {
  const char* name;  // as flags and stored configs spell it
  // Over the whole catalogue, without negatives: it has no terms, and a way of its own.
  bool reads_whole_table = false;
  bool scores_pairs = false;       // MeLU and MiNet can train with it
  bool corrects_sampling = false;  // scores of negatives are shifted by -log of how often each is expected
};

// What a loss may be parametrised by.
struct LossNumbers {
  int64_t negatives = 1;  // K
  int64_t items = 2;      // V >= 2
  double gbce_calibration = 0.75;
};

template <typename Scalar>
struct ScalarTerms {
  using Floats = Scalar;
  PPR_INLINE static Scalar Sub(Scalar a, Scalar b) { return a - b; }
  PPR_INLINE static Scalar Negate(Scalar x) { return -x; }
  PPR_INLINE static Scalar Times(Scalar x, double factor) { return x * static_cast<Scalar>(factor); }
  // Without overflow.
  PPR_INLINE static Scalar Softplus(Scalar x, Scalar& derivative) {
    derivative = 1 / (1 + std::exp(-x));
    return (x > 0 ? x : Scalar{0}) + std::log1p(std::exp(x > 0 ? -x : x));
  }
};

}  // namespace ppr::model
