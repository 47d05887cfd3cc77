// What a difference between two models is worth: p-values corrected for their number, and effect sizes. The
// paired t-test itself is in evaluation/paired_comparison.h; its t, p-value and number of users come in here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ppr::report {

// A model against the one it is compared with, on the same users.
struct PairedTest {
  std::string model, setting, metric;
  std::string against;     // the other model
  int64_t users = 0;       // pairs
  double difference = 0;   // mean over users of model - against
  double effect_size = 0;  // Cohen's d_z
  double p_value = 1;      // of this test alone
  double adjusted_p = 1;   // set by CorrectFamily
};

// Holm's step-down correction of a family of m p-values. With p_(1) <= ... <= p_(m),
//   adjusted p_(i) = max over j <= i of min(1, (m - j + 1) p_(j)),
// given back in the order of the input. Rejecting where it is below alpha keeps the chance of one false
// rejection or more in the whole family below alpha, under any dependence of the tests. S. Holm, "A simple
// sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979), 65-70. A value outside [0, 1]
// is a DataError.
std::vector<double> HolmAdjusted(const std::vector<double>& p_values);
// Sets adjusted_p of all tests, taken as one family.
void CorrectFamily(std::vector<PairedTest>& tests);

// Cohen's d_z of paired differences: their mean over their sample standard deviation (divisor n - 1).
// J. Cohen, "Statistical Power Analysis for the Behavioral Sciences", 2nd ed. (1988), section 2.3.5; named
// d_z as in D. Lakens, Front. Psychol. 4:863 (2013). 0 when all differences are 0; infinite, with their sign,
// when all are equal otherwise. Needs two differences or more (DataError).
double CohensDz(const std::vector<double>& differences);
// The same from the paired t-test of `pairs` pairs: d_z = t / sqrt(pairs).
double CohensDzFromT(double t, int64_t pairs);

// "***" below 0.001, "**" below 0.01, "*" below 0.05, else "".
std::string SignificanceStars(double adjusted_p);

}  // namespace ppr::report
