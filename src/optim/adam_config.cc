#include "optim/adam_config.h"

#include "base/findings.h"
#include "base/text_format.h"

namespace ppr::optim {

void Describe(settings::Settings& settings, AdamConfig& config) {
  settings.Add(
      &config.beta1,
      {.flag = "beta1", .help = "Adam: decay of the first moment", .limits = settings::ShareBelowOne()});
  settings.Add(
      &config.beta2,
      {.flag = "beta2", .help = "Adam: decay of the second moment", .limits = settings::ShareBelowOne()});
  // Below 1e-30 a rate over epsilon leaves the range of float32, and an entry without gradients becomes NaN.
  settings.Add(&config.epsilon, {.flag = "epsilon",
                                 .help = "Adam: added to the root of the second moment",
                                 .limits = settings::Limits{
                                     .expected = "a number from 1e-30 to 1e6", .least = 1e-30, .most = 1e6}});
}

void AddLearningRate(settings::Settings& settings, double* rate, const std::string& flag,
                     const std::string& help) {
  constexpr double kMost = 100;
  settings.Add(rate, {.flag = flag, .help = help, .limits = settings::Positive(kMost)});
}

void AddWarmupSteps(settings::Settings& settings, int64_t* steps) {
  settings.Add(steps, {.flag = "warmup_steps",
                       .help = "Steps over which learning rates rise from zero",
                       .limits = settings::AtLeast(0)});
}

std::vector<std::string> AdamConfig::Problems() const {
  Findings findings;
  findings.Append(settings::LimitProblems(*this));
  // Else the steps of an entry without gradients grow from step to step instead of dying away.
  const double most = std::sqrt(beta2);
  findings.Expect(!findings.empty() || beta1 < most, "beta1", Format("a number below sqrt(beta2) = %g", most),
                  Format("%g", beta1));
  return findings.Take();
}

}  // namespace ppr::optim
