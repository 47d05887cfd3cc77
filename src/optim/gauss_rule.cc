#include "optim/gauss_rule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ppr::optim {

namespace {

// Where a spread is below these multiples of what its terms are made of, it is their rounding, and the node
// that it would set apart carries no weight.
constexpr double kLeastVariance = 1e-12;
constexpr double kLeastSpread = 1e-9;

// The recurrence of the monic orthogonal polynomials, about the mean:
//   p1 = y, p2 = (y - a1) p1 - b1, p3 = (y - a2) p2 - b2 p1.
struct Recurrence {
  double a1, a2, b1, b2;
};

// c2..c5: the central moments over the total.
Recurrence RecurrenceOf(double c2, double c3, double c4, double c5) {
  const double a1 = c3 / c2;
  const double b2 = c4 / c2 - a1 * a1 - c2;
  // <y p2^2> / <p2^2>
  const double a2 = (c5 - 2 * a1 * c4 + (a1 * a1 - 2 * c2) * c3 + 2 * a1 * c2 * c2) / (c2 * b2);
  return {a1, a2, c2, b2};
}

// The zeros of p3 = y^3 - s y^2 + linear y + constant, all real: the cosine form, about s / 3.
std::array<double, 3> Zeros(const Recurrence& r) {
  const double s = r.a1 + r.a2;
  const double linear = r.a1 * r.a2 - r.b1 - r.b2;
  const double constant = r.a2 * r.b1;
  const double shift = s / 3;
  const double p = linear - s * shift;
  const double q = constant + shift * linear - 2 * shift * shift * shift;
  const double radius = std::sqrt(std::max(0.0, -p / 3));
  const double angle =
      radius == 0 ? 0 : std::acos(std::clamp(-q / (2 * radius * radius * radius), -1.0, 1.0)) / 3;
  // cos(angle -+ 2 pi / 3) from the sine and cosine of the angle
  const double along = radius * std::cos(angle);
  const double across = radius * std::numbers::sqrt3 * std::sin(angle);
  return {shift + 2 * along, shift - along + across, shift - along - across};
}

}  // namespace

GaussRule GaussRuleOf(const std::array<double, 6>& moments) {
  const double total = moments[0];
  if (!(total > 0)) return {};
  const double mean = moments[1] / total;
  GaussRule rule{.nodes = {mean, mean, mean}, .weights = {total, 0, 0}};
  const double e2 = moments[2] / total, e3 = moments[3] / total, e4 = moments[4] / total,
               e5 = moments[5] / total;
  const double mean2 = mean * mean;
  const double c2 = e2 - mean2;
  if (!(c2 > kLeastVariance * e2)) return rule;
  const double c3 = e3 - mean * (3 * e2 - 2 * mean2);
  const double c4 = e4 - mean * (4 * e3 - mean * (6 * e2 - 3 * mean2));
  const double c5 = e5 - mean * (5 * e4 - mean * (10 * e3 - mean * (10 * e2 - 4 * mean2)));
  const Recurrence r = RecurrenceOf(c2, c3, c4, c5);
  if (!(r.b2 > kLeastSpread * c2)) {
    const double root = std::sqrt(r.a1 * r.a1 / 4 + c2);
    for (const size_t q : {0, 1}) {
      const double y = r.a1 / 2 + (q == 0 ? root : -root);
      rule.nodes[q] = mean + y;
      rule.weights[q] = total / (1 + y * y / c2);
    }
    return rule;
  }
  const std::array<double, 3> zeros = Zeros(r);
  for (size_t q = 0; q < 3; ++q) {
    const double y = zeros[q];
    const double p2 = (y - r.a1) * y - r.b1;
    rule.nodes[q] = mean + y;
    rule.weights[q] = total / (1 + y * y / r.b1 + p2 * p2 / (r.b1 * r.b2));
  }
  return rule;
}

}  // namespace ppr::optim
