#include "optim/adam_config.h"

#include "base/text_format.h"

namespace ppr::optim {

std::vector<std::string> AdamConfig::Problems() const {
  std::vector<std::string> problems;
  const auto check_beta = [&](const char* name, double beta) {
    if (!(beta >= 0 && beta < 1)) problems.push_back(Format("%s must be in [0, 1), found %g", name, beta));
  };
  check_beta("beta1", beta1);
  check_beta("beta2", beta2);
  // Below 1e-30 a rate over epsilon leaves the range of float32, and an entry without gradients becomes NaN.
  if (!(epsilon >= 1e-30 && std::isfinite(epsilon))) {
    problems.push_back(Format("epsilon must be positive, at least 1e-30, and finite, found %g", epsilon));
  }
  // Else the steps of an entry without gradients grow from step to step instead of dying away.
  if (problems.empty() && !(beta1 < std::sqrt(beta2))) {
    problems.push_back(Format("beta1 must be below sqrt(beta2) = %g, found %g", std::sqrt(beta2), beta1));
  }
  return problems;
}

}  // namespace ppr::optim
