// The t distribution against published values and closed forms, the paired comparison against examples by
// hand.
#include "evaluation/paired_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "base/errors.h"
#include "base/random.h"

namespace ppr::evaluation {
namespace {

TEST(StudentTwoSidedP, TableValues) {
  // Quantiles as printed in tables are good to some 1e-10 in t, which is 1e-11 in p.
  constexpr double kTable = 2e-11;
  EXPECT_NEAR(StudentTwoSidedP(2, 10), 0.07338803477074037, 1e-14);
  EXPECT_NEAR(StudentTwoSidedP(-2, 10), 0.07338803477074037, 1e-14);
  EXPECT_NEAR(StudentTwoSidedP(12.706204736432095, 1), 0.05, kTable);
  EXPECT_NEAR(StudentTwoSidedP(2.228138851986274, 10), 0.05, kTable);
  EXPECT_NEAR(StudentTwoSidedP(1.9839715185235556, 100), 0.05, kTable);
}

TEST(StudentTwoSidedP, ClosedFormsForFewDegrees) {
  for (const double t : {1e-6, 0.01, 0.3, 1.0, 1.7, 2.5, 10.0, 100.0}) {
    const double one = std::atan(t), two = t / std::sqrt(2 + t * t), four = std::atan(t / 2);
    const double p_four = 1 - std::sin(four) * (1 + std::cos(four) * std::cos(four) / 2);
    EXPECT_NEAR(StudentTwoSidedP(t, 1), 1 - 2 / std::numbers::pi * one, 1e-13) << t;
    EXPECT_NEAR(StudentTwoSidedP(t, 2), 1 - two, 1e-13) << t;
    EXPECT_NEAR(StudentTwoSidedP(t, 4), p_four, 1e-13) << t;
  }
}

TEST(StudentTwoSidedP, ManyDegreesApproachTheNormal) {
  for (const double degrees : {1e4, 1e6, 1e8}) {
    for (const double t : {0.1, 1.0, 2.0, 3.0}) {
      // The first correction to the normal tail is below 1 / degrees; log-gammas of 1e9 leave 1e-7.
      EXPECT_NEAR(StudentTwoSidedP(t, degrees), std::erfc(t / std::numbers::sqrt2), 1 / degrees + 1e-7);
    }
  }
}

TEST(StudentTwoSidedP, FarTailAndEnds) {
  EXPECT_EQ(StudentTwoSidedP(0, 7), 1);
  EXPECT_EQ(StudentTwoSidedP(std::numeric_limits<double>::infinity(), 7), 0);
  EXPECT_EQ(StudentTwoSidedP(1e200, 7), 0);
  // For two degrees p = 1 - t / sqrt(2 + t^2) = 1 / t^2 to relative 1 / t^2; no cancellation may eat it.
  EXPECT_NEAR(StudentTwoSidedP(1e6, 2) * 1e12, 1, 1e-9);
  EXPECT_THROW(StudentTwoSidedP(1, 0), BugError);
  EXPECT_THROW(StudentTwoSidedP(std::nan(""), 3), BugError);
}

TEST(ComparePaired, AveragesUsersFirst) {
  // User 7 has three cases, users 2 and 9 one each, in no order. Differences by user: 0.5, 1, 1.5.
  const std::vector<int32_t> users = {7, 2, 7, 9, 7};
  const std::vector<double> a = {0.0, 1.0, 0.5, 0.0, 1.0};
  const std::vector<double> b = {0.5, 2.0, 1.5, 1.5, 1.0};
  const PairedComparison comparison = ComparePaired("hit@10", a, b, users, 1);
  EXPECT_EQ(comparison.metric, "hit@10");
  EXPECT_EQ(comparison.users, 3);
  EXPECT_NEAR(comparison.mean_a, (1.0 + 0.5 + 0.0) / 3, 1e-15);
  EXPECT_NEAR(comparison.mean_b, (2.0 + 1.0 + 1.5) / 3, 1e-15);
  EXPECT_NEAR(comparison.difference, 1.0, 1e-15);
  const double t = 1.0 / (0.5 / std::sqrt(3.0));
  EXPECT_NEAR(comparison.t, t, 1e-12);
  EXPECT_NEAR(comparison.p_value, 1 - t / std::sqrt(2 + t * t), 1e-12);
  EXPECT_EQ(comparison.low,
            0.5);  // three users: all resamples lie between the smallest and the largest difference,
  EXPECT_EQ(comparison.high, 1.5);  // and each of these two alone comes up in 1 of 27, above 2.5 %
}

TEST(ComparePaired, BIsBetterMeansPositive) {
  const std::vector<int32_t> users = {1, 2, 3};
  EXPECT_GT(ComparePaired("auc", {0, 0, 0}, {1, 2, 1}, users, 1).difference, 0);
  EXPECT_GT(ComparePaired("auc", {0, 0, 0}, {1, 2, 1}, users, 1).t, 0);
  EXPECT_LT(ComparePaired("auc", {1, 2, 1}, {0, 0, 0}, users, 1).t, 0);
}

TEST(ComparePaired, NoDifferenceAndConstantDifference) {
  const std::vector<int32_t> users = {1, 2, 3};
  const PairedComparison same = ComparePaired("auc", {0.1, 0.7, 0.3}, {0.1, 0.7, 0.3}, users, 1);
  EXPECT_EQ(same.p_value, 1);
  EXPECT_EQ(same.t, 0);
  EXPECT_EQ(same.low, 0);
  EXPECT_EQ(same.high, 0);
  const PairedComparison constant = ComparePaired("auc", {0, 1, 2}, {0.5, 1.5, 2.5}, users, 1);
  EXPECT_EQ(constant.p_value, 0);
  EXPECT_EQ(constant.low, 0.5);
  EXPECT_EQ(constant.high, 0.5);
}

TEST(ComparePaired, BootstrapIntervalOfNormalDifferences) {
  const RandomKey key = MakeRandomKey(3, RandomSite::kTest);
  std::vector<double> a, b;
  std::vector<int32_t> users;
  for (int32_t user = 0; user < 2000; ++user) {
    users.push_back(user);
    a.push_back(0);
    b.push_back(0.1 + key.Normal(static_cast<uint64_t>(user)));
  }
  const PairedComparison comparison = ComparePaired("mrr", a, b, users, 5);
  const double standard_error = comparison.difference / comparison.t;
  // Percentiles of 2000 replicates scatter by 3 % of the interval's half width (one sigma); 4 sigma are
  // allowed.
  EXPECT_NEAR(comparison.low, comparison.difference - 1.96 * standard_error, 0.25 * standard_error);
  EXPECT_NEAR(comparison.high, comparison.difference + 1.96 * standard_error, 0.25 * standard_error);
}

TEST(ComparePaired, SeedDecidesTheInterval) {
  const std::vector<double> a = {0, 0, 0, 0, 0}, b = {0.31, -0.2, 0.53, 0.07, 0.11};
  const std::vector<int32_t> users = {1, 2, 3, 4, 5};
  const PairedComparison first = ComparePaired("auc", a, b, users, 11, 200);
  const PairedComparison again = ComparePaired("auc", a, b, users, 11, 200);
  const PairedComparison other = ComparePaired("auc", a, b, users, 12, 200);
  EXPECT_EQ(first.low, again.low);
  EXPECT_EQ(first.high, again.high);
  EXPECT_TRUE(first.low != other.low || first.high != other.high);
}

TEST(ComparePaired, OneUserIsNotEnough) {
  try {
    ComparePaired("hit@10", {0, 1}, {1, 1}, {4, 4}, 1);
    FAIL() << "one user was accepted";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(),
                testing::AllOf(testing::HasSubstr("hit@10"), testing::HasSubstr("at least 2 users")));
  }
}

}  // namespace
}  // namespace ppr::evaluation
