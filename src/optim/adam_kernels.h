// The inner loops of Adam over plain pointers. Compiled without contraction to fused multiply-add, so that an
// entry's result depends neither on its place in the buffer nor on the instruction set: ranks, shards and
// replay agree in bits.
#pragma once

#include <cstdint>

namespace ppr::optim {

// What a step adds to the betas, formed in double and rounded once.
template <typename T>
struct AdamCoefficients {
  T step_size;   // lr_t / (1 - b1^t)
  T root_scale;  // 1 / sqrt(1 - b2^t)

  bool operator==(const AdamCoefficients&) const = default;
};

template <typename T>
struct AdamConstants {
  T beta1, one_minus_beta1;
  T beta2, one_minus_beta2;
  T epsilon;
};

// One step on n entries with gradient g. The arrays do not overlap.
void AdamStep(float* p, float* m, float* v, const float* g, int64_t n, const AdamConstants<float>& constants,
              AdamCoefficients<float> step);
void AdamStep(double* p, double* m, double* v, const double* g, int64_t n,
              const AdamConstants<double>& constants, AdamCoefficients<double> step);

// `num_steps` steps of zero gradient, bit for bit what AdamStep does with them.
void AdamReplay(float* p, float* m, float* v, int64_t n, const AdamConstants<float>& constants,
                const AdamCoefficients<float>* steps, int64_t num_steps);

// What a run of skipped steps does to an entry (optim/skipped_steps.h):
//   p -= m sum_q weights[q] / (sqrt(v) + offsets[q])
struct SkippedRule {
  float weights[3];
  float offsets[3];  // > 0
};

// The skipped steps of n entries at once, then m *= decay1, v *= decay2.
void AdamSkip(float* p, float* m, float* v, int64_t n, const SkippedRule& rule, float decay1, float decay2);

// m *= decay1, v *= decay2.
void AdamDecay(float* m, float* v, int64_t n, float decay1, float decay2);

}  // namespace ppr::optim
