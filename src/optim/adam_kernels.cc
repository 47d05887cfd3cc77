#include "optim/adam_kernels.h"

#include <cmath>

#include "base/multi_target.h"

namespace ppr::optim {

namespace {

template <typename T>
[[gnu::always_inline]] inline void Descend(T& p, T m, T v, T epsilon, AdamCoefficients<T> step) {
  p -= step.step_size * m / (std::sqrt(v) * step.root_scale + epsilon);
}

template <typename T>
[[gnu::always_inline]] inline void StepAll(T* __restrict p, T* __restrict m, T* __restrict v,
                                           const T* __restrict g, int64_t n, AdamConstants<T> c,
                                           AdamCoefficients<T> step) {
  for (int64_t i = 0; i < n; ++i) {
    m[i] = c.beta1 * m[i] + c.one_minus_beta1 * g[i];
    v[i] = c.beta2 * v[i] + c.one_minus_beta2 * (g[i] * g[i]);
    Descend(p[i], m[i], v[i], c.epsilon, step);
  }
}

}  // namespace

PPR_MULTI_TARGET
void AdamStep(float* p, float* m, float* v, const float* g, int64_t n, const AdamConstants<float>& constants,
              AdamCoefficients<float> step) {
  StepAll(p, m, v, g, n, constants, step);
}

PPR_MULTI_TARGET
void AdamStep(double* p, double* m, double* v, const double* g, int64_t n,
              const AdamConstants<double>& constants, AdamCoefficients<double> step) {
  StepAll(p, m, v, g, n, constants, step);
}

PPR_MULTI_TARGET
void AdamReplay(float* __restrict p, float* __restrict m, float* __restrict v, int64_t n,
                const AdamConstants<float>& constants, const AdamCoefficients<float>* steps,
                int64_t num_steps) {
  const AdamConstants<float> c = constants;
  for (int64_t s = 0; s < num_steps; ++s) {
    const AdamCoefficients<float> step = steps[s];
    for (int64_t i = 0; i < n; ++i) {
      m[i] = c.beta1 * m[i];
      v[i] = c.beta2 * v[i];
      Descend(p[i], m[i], v[i], c.epsilon, step);
    }
  }
}

PPR_MULTI_TARGET
void AdamSkip(float* __restrict p, float* __restrict m, float* __restrict v, int64_t n,
              const SkippedRule& skipped, float decay1, float decay2) {
  const SkippedRule rule = skipped;
  for (int64_t i = 0; i < n; ++i) {
    const float root = std::sqrt(v[i]);
    p[i] -= m[i] * (rule.weights[0] / (root + rule.offsets[0]) + rule.weights[1] / (root + rule.offsets[1]) +
                    rule.weights[2] / (root + rule.offsets[2]));
    m[i] *= decay1;
    v[i] *= decay2;
  }
}

PPR_MULTI_TARGET
void AdamDecay(float* __restrict m, float* __restrict v, int64_t n, float decay1, float decay2) {
  for (int64_t i = 0; i < n; ++i) {
    m[i] *= decay1;
    v[i] *= decay2;
  }
}

}  // namespace ppr::optim
