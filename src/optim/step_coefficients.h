// The coefficients of every step of a run so far, in little memory: once learning rate and bias corrections
// have settled, all later steps have the same ones, and they are stored for one window only.
#pragma once

#include <cstdint>
#include <vector>

#include "optim/adam_config.h"

namespace ppr::optim {

class StepCoefficients {
 public:
  // `window`: the most steps that are read from one call of After.
  StepCoefficients(const AdamConfig& config, const LearningRate& rate, int64_t window);

  // Makes steps 1..step known. Nothing is forgotten.
  void ReachTo(int64_t step);
  int64_t reached() const { return reached_; }

  // Coefficients of step + 1, step + 2, ..., step + min(window, reached() - step), in this order.
  const AdamCoefficients<float>* After(int64_t step) const {
    return stored_.data() + (step < last_change_ ? step : last_change_ - 1);
  }
  const AdamCoefficients<float>& Of(int64_t step) const { return *After(step - 1); }

 private:
  AdamConfig config_;
  LearningRate rate_;
  int64_t window_;
  int64_t reached_ = 0;
  int64_t last_change_ = 1;  // the last step whose coefficients differ from those of the step before
  std::vector<AdamCoefficients<float>> stored_;  // of step s at [s - 1], until a window past last_change_
};

}  // namespace ppr::optim
