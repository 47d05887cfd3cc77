#include "optim/step_coefficients.h"

namespace ppr::optim {

StepCoefficients::StepCoefficients(const AdamConfig& config, const LearningRate& rate, int64_t window)
    : config_(config), rate_(rate), window_(window) {}

void StepCoefficients::ReachTo(int64_t step) {
  while (reached_ < step) {
    const AdamCoefficients<float> next = CoefficientsOf<float>(config_, rate_, ++reached_);
    const bool settled = !stored_.empty() && stored_.back() == next;
    if (!settled) {
      if (!stored_.empty()) stored_.resize(static_cast<size_t>(reached_ - 1), stored_.back());
      last_change_ = reached_;
    }
    if (reached_ - last_change_ <= window_) stored_.push_back(next);
  }
}

}  // namespace ppr::optim
