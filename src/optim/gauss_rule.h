// Gauss quadrature with three nodes, from the moments of a measure.
#pragma once

#include <array>

namespace ppr::optim {

// sum_q weights[q] f(nodes[q]) stands for the integral of f over the measure; exact for polynomials up to
// degree 5.
struct GaussRule {
  std::array<double, 3> nodes, weights;
};

// moments[p]: the integral of x^p over a measure with weights >= 0 on [0, 1]. A measure on fewer than three
// points (to rounding) gets as many nodes as it has points; the other weights are 0, their nodes the mean.
GaussRule GaussRuleOf(const std::array<double, 6>& moments);

}  // namespace ppr::optim
