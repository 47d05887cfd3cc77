// Settings of Adam and of its learning rate, and what they come to at a step.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "optim/adam_kernels.h"
#include "settings/settings.h"

namespace ppr::optim {

// Learning rate of a step, as a function of the step number alone (1-based): linear warm-up to `base`, then
// constant.
struct LearningRate {
  double base = 1e-3;
  int64_t warmup_steps = 0;

  double at(int64_t step) const {
    return step >= warmup_steps ? base : base * static_cast<double>(step) / static_cast<double>(warmup_steps);
  }
};

struct AdamConfig {
  double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-8;

  // What cannot work: "beta1: expected ..., found ..."; empty when all is well.
  std::vector<std::string> Problems() const;
};

// Under the topic and in the section of the moment: the rate with the flag and meaning that it has there.
void Describe(settings::Settings& settings, AdamConfig& config);
void AddLearningRate(settings::Settings& settings, double* rate, const std::string& flag,
                     const std::string& help);
void AddWarmupSteps(settings::Settings& settings, int64_t* steps);

template <typename T>
AdamConstants<T> ConstantsOf(const AdamConfig& config) {
  return {static_cast<T>(config.beta1), static_cast<T>(1 - config.beta1), static_cast<T>(config.beta2),
          static_cast<T>(1 - config.beta2), static_cast<T>(config.epsilon)};
}

template <typename T>
AdamCoefficients<T> CoefficientsOf(const AdamConfig& config, const LearningRate& rate, int64_t step) {
  const double t = static_cast<double>(step);
  return {static_cast<T>(rate.at(step) / (1 - std::pow(config.beta1, t))),
          static_cast<T>(1 / std::sqrt(1 - std::pow(config.beta2, t)))};
}

}  // namespace ppr::optim
