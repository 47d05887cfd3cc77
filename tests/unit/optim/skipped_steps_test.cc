// The rule for skipped steps against the sum it stands for, term by term in double.
#include "optim/skipped_steps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "optim/gauss_rule.h"
#include "optim/step_coefficients.h"

namespace ppr::optim {
namespace {

std::array<double, 6> MomentsOf(const std::vector<double>& points, const std::vector<double>& weights) {
  std::array<double, 6> moments{};
  for (size_t i = 0; i < points.size(); ++i) {
    for (size_t p = 0; p < 6; ++p) moments[p] += weights[i] * std::pow(points[i], p);
  }
  return moments;
}

TEST(GaussRule, HasTheKnownNodesOfAUniformMeasure) {
  // On [0, 1] the moments are 1 / (p + 1); Legendre: 1/2 +- sqrt(3/5)/2, weights 5/18, 8/18, 5/18.
  const GaussRule rule = GaussRuleOf({1, 1.0 / 2, 1.0 / 3, 1.0 / 4, 1.0 / 5, 1.0 / 6});
  std::array<size_t, 3> order = {0, 1, 2};
  std::ranges::sort(order, {}, [&](size_t q) { return rule.nodes[q]; });
  for (const int q : {-1, 0, 1}) {
    EXPECT_NEAR(rule.nodes[order[q + 1]], 0.5 + q * std::sqrt(0.15), 1e-13);
    EXPECT_NEAR(rule.weights[order[q + 1]], q == 0 ? 4.0 / 9 : 5.0 / 18, 1e-13);
  }
}

TEST(GaussRule, ReproducesSixMoments) {
  std::vector<double> points, weights;
  for (int i = 0; i < 40; ++i) {
    points.push_back(1 - std::pow(0.97, i));
    weights.push_back(3 * std::pow(0.9, i));
  }
  const std::array<double, 6> moments = MomentsOf(points, weights);
  const GaussRule rule = GaussRuleOf(moments);
  for (size_t p = 0; p < 6; ++p) {
    double found = 0;
    for (size_t q = 0; q < 3; ++q) found += rule.weights[q] * std::pow(rule.nodes[q], p);
    EXPECT_NEAR(found / moments[p], 1, 1e-12) << p;
  }
}

TEST(GaussRule, HasAsManyNodesAsTheMeasureHasPoints) {
  for (const std::vector<double>& points :
       {std::vector<double>{0.3}, std::vector<double>{0.0, 0.4}, std::vector<double>{0.01, 0.3, 0.8}}) {
    const std::vector<double> weights(points.size(), 0.5);
    const GaussRule rule = GaussRuleOf(MomentsOf(points, weights));
    double total = 0;
    for (size_t q = 0; q < 3; ++q) {
      total += rule.weights[q];
      if (rule.weights[q] < 1e-9) continue;
      EXPECT_NEAR(rule.weights[q], 0.5, 1e-9);
      EXPECT_TRUE(std::ranges::any_of(points, [&](double x) { return std::abs(x - rule.nodes[q]) < 1e-9; }));
    }
    EXPECT_NEAR(total, 0.5 * static_cast<double>(points.size()), 1e-12);
  }
  EXPECT_THAT(GaussRuleOf({}).weights, testing::Each(0));
}

// What m is multiplied by: the sum over skipped steps t + 1 .. until.
double ExactSum(const AdamConfig& c, const LearningRate& rate, int64_t t, int64_t until, double root_v) {
  double sum = 0;
  for (int64_t s = t + 1; s <= until; ++s) {
    const double j = static_cast<double>(s - t), step = static_cast<double>(s);
    const double root = root_v * std::pow(c.beta2, j / 2) / std::sqrt(1 - std::pow(c.beta2, step));
    sum += rate.at(s) / (1 - std::pow(c.beta1, step)) * std::pow(c.beta1, j) / (root + c.epsilon);
  }
  return sum;
}

double RuleSum(const SkippedRule& rule, double root_v) {
  double sum = 0;
  for (int q = 0; q < 3; ++q) sum += rule.weights[q] / (root_v + rule.offsets[q]);
  return sum;
}

TEST(SkippedSteps, RulesAreExactWhateverTheSecondMomentIs) {
  const LearningRate rate{.base = 1e-3, .warmup_steps = 50};
  for (const AdamConfig& config : {AdamConfig{0.9, 0.98}, AdamConfig{0.9, 0.999}}) {
    const int64_t limit = 198;
    StepCoefficients coefficients(config, rate, limit);
    SkippedSteps skipped(config, limit);
    for (const int64_t now : {3, 40, 300, 301, 20'000}) {
      coefficients.ReachTo(now);
      skipped.AdvanceTo(now, coefficients);
      for (int64_t t = std::max<int64_t>(1, now - 900); t < now; t += t < now - 12 ? 7 : 1) {
        const SkippedSteps::Rule& rule = skipped.From(t);
        for (double size = 0; size <= 1e6; size = size == 0 ? 1e-3 : size * 10) {
          const double root_v = size * config.epsilon;
          if (root_v * root_v < rule.least_v) continue;
          const double expected = ExactSum(config, rate, t, std::min(now, t + limit), root_v);
          // 2^-18 of the rule at its probes, and between them a little more.
          EXPECT_NEAR(RuleSum(rule.nodes, root_v) / expected, 1, 1.3 * 0x1p-18)
              << "beta2 " << config.beta2 << " steps " << t << " to " << now << " sqrt(v) " << size << " eps";
        }
      }
    }
  }
}

TEST(SkippedSteps, OnlyLongGapsFromTheFirstStepsAreNotExactForAllEntries) {
  for (const AdamConfig& config : {AdamConfig{0.9, 0.98}, AdamConfig{0.9, 0.999}}) {
    StepCoefficients coefficients(config, {}, 198);
    SkippedSteps skipped(config, 198);
    coefficients.ReachTo(2'000);
    for (int64_t now = 1; now <= 2'000; ++now) {
      skipped.AdvanceTo(now, coefficients);
      for (int64_t t = std::max<int64_t>(0, now - 250); t < now; ++t) {
        if (t < 20 && now - t > 3) continue;
        EXPECT_EQ(skipped.From(t).least_v, 0) << t << " to " << now;
      }
    }
    // From step 2 on, entries with gradients of 1e-4 need no replay: (1 - b2) 1e-8 at that step.
    EXPECT_GT(skipped.From(1).least_v, 0);
    EXPECT_LT(skipped.From(2).least_v, (1 - config.beta2) * 1e-8);
  }
}

TEST(SkippedSteps, OldRowsHaveTheRuleOfTheirFirstTerms) {
  // The rate still changes within the window of steps 2,500 and older, and does not within later ones.
  const LearningRate rate{.base = 1, .warmup_steps = 2'600};
  const AdamConfig config;
  StepCoefficients coefficients(config, rate, 198);
  SkippedSteps skipped(config, 198);
  coefficients.ReachTo(9'000);
  skipped.AdvanceTo(9'000, coefficients);
  for (const int64_t t : {100, 101, 2'450, 2'550, 2'700, 8'000, 8'801, 8'802}) {
    const double root_v = 1e-5;
    EXPECT_NEAR(RuleSum(skipped.From(t).nodes, root_v) / ExactSum(config, rate, t, t + 198, root_v), 1, 2e-6)
        << t;
    EXPECT_NEAR(RuleSum(skipped.From(t).nodes, root_v) / ExactSum(config, rate, t, 9'000, root_v), 1, 2e-6)
        << t;
  }
}

TEST(SkippedSteps, AreTheSameHoweverThePresentIsReached) {
  const LearningRate rate{.base = 1e-3, .warmup_steps = 400};
  const AdamConfig config;
  StepCoefficients coefficients(config, rate, 198);
  SkippedSteps lived(config, 198);
  const auto same = [](const SkippedSteps::Rule& a, const SkippedSteps::Rule& b) {
    return a.least_v == b.least_v && std::ranges::equal(a.nodes.weights, b.nodes.weights) &&
           std::ranges::equal(a.nodes.offsets, b.nodes.offsets);
  };
  for (int64_t now = 1; now <= 1'500; ++now) {
    coefficients.ReachTo(now);
    lived.AdvanceTo(now, coefficients);
    if (now % 149 != 0) continue;
    SkippedSteps at_once(config, 198);
    at_once.AdvanceTo(now, coefficients);
    for (int64_t t = 0; t < now; ++t) ASSERT_TRUE(same(at_once.From(t), lived.From(t))) << t << " to " << now;
  }
  // And backwards.
  SkippedSteps at_once(config, 198);
  at_once.AdvanceTo(333, coefficients);
  lived.AdvanceTo(333, coefficients);
  for (int64_t t = 0; t < 333; ++t) ASSERT_TRUE(same(at_once.From(t), lived.From(t))) << t;
}

TEST(SkippedSteps, ARateOfZeroMovesNothing) {
  const AdamConfig config;
  StepCoefficients coefficients(config, {.base = 0}, 198);
  SkippedSteps skipped(config, 198);
  coefficients.ReachTo(500);
  skipped.AdvanceTo(500, coefficients);
  for (const int64_t t : {10, 400, 495, 499}) {
    EXPECT_EQ(skipped.From(t).least_v, 0);
    EXPECT_EQ(RuleSum(skipped.From(t).nodes, 0.0), 0) << t;
  }
}

TEST(StepCoefficients, KeepEveryStepInLittleMemory) {
  const LearningRate rate{.base = 1e-3, .warmup_steps = 2'000};
  const AdamConfig config;
  StepCoefficients coefficients(config, rate, 198);
  coefficients.ReachTo(5'000);
  for (const int64_t step : {1, 2, 198, 1'999, 2'000, 2'001, 2'197, 2'198, 2'199, 4'000, 5'000}) {
    EXPECT_EQ(coefficients.Of(step), CoefficientsOf<float>(config, rate, step)) << step;
  }
  for (const int64_t step : {0, 1'900, 2'100, 4'802}) {
    for (int64_t j = 0; j < 198; ++j) {
      ASSERT_EQ(coefficients.After(step)[j], CoefficientsOf<float>(config, rate, step + 1 + j))
          << step << " " << j;
    }
  }
}

}  // namespace
}  // namespace ppr::optim
