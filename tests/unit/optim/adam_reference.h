// Adam by its definition, one entry at a time, in double: what the tests of Adam compare with.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "base/errors.h"
#include "optim/adam_config.h"

namespace ppr::optim {

struct ReferenceEntry {
  double p = 0, m = 0, v = 0;

  void Step(double g, int64_t t, const AdamConfig& c, const LearningRate& rate) {
    m = c.beta1 * m + (1 - c.beta1) * g;
    v = c.beta2 * v + (1 - c.beta2) * g * g;
    const double m_hat = m / (1 - std::pow(c.beta1, static_cast<double>(t)));
    const double v_hat = v / (1 - std::pow(c.beta2, static_cast<double>(t)));
    p -= rate.at(t) * m_hat / (std::sqrt(v_hat) + c.epsilon);
  }
};

// What the BugError of a call says.
template <typename Call>
std::string BugMessage(const Call& call) {
  try {
    call();
  } catch (const BugError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace ppr::optim
