// Adam on rows that are skipped, by the Gauss rule and by replay, against Adam on all rows.
//
// Longer than 450 lines: every rule of catching up is held against the same reference in double precision.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "base/random.h"
#include "base/text_format.h"
#include "optim/adam.h"
#include "unit/optim/adam_reference.h"
#include "unit/optim/row_schedules.h"

namespace ppr::optim {
namespace {

using model::DenseParameters;
using model::ParameterGroup;
using testing::HasSubstr;

constexpr LearningRate kRate{.base = 1e-3, .warmup_steps = 100};

// Row r is touched at steps 1, 1 + gap, 1 + 2 gap, ... with gap = r + 1: skipped for 0 to 299 steps.
Schedule EvenGaps(double gradient_size) {
  Schedule schedule(/*rows=*/300, /*steps=*/500, gradient_size);
  for (int64_t step = 1; step <= schedule.num_steps; ++step) {
    for (int64_t row = schedule.num_rows - 1; row >= 0; --row) {
      if ((step - 1) % (row + 1) == 0) schedule.touched_at[static_cast<size_t>(step)].push_back(row);
    }
  }
  return schedule;
}

// Steps `from` .. `to` of a run on its touched rows.
void RunSteps(const Schedule& schedule, int64_t from, int64_t to, at::Tensor rows, RowAdam* adam) {
  for (int64_t t = from; t <= to; ++t) {
    const at::Tensor slots = at::tensor(schedule.Touched(t), at::kLong);
    adam->CatchUp(rows, slots, t - 1);
    adam->Update(rows, slots, schedule.Gradients(t), t);
  }
}

at::Tensor RunRowAdam(const AdamConfig& config, const LearningRate& rate, CatchUpRule rule,
                      const Schedule& schedule, const at::Tensor& start) {
  RowAdam adam(config, rate, schedule.num_rows, Schedule::kWidth, rule);
  at::Tensor rows = start.clone();
  RunSteps(schedule, 1, schedule.num_steps, rows, &adam);
  adam.CatchUpAll(rows, schedule.num_steps);
  return rows;
}

// The same table stepped densely: every row at every step, in float32 by DenseAdam.
at::Tensor RunDenseAdam(const AdamConfig& config, const LearningRate& rate, const Schedule& schedule,
                        const at::Tensor& start) {
  DenseParameters parameters(/*seed=*/7, /*init_std=*/0.02, at::TensorOptions().dtype(at::kFloat));
  parameters.Add("rows", {start.numel()}, ParameterGroup::kPretrained, DenseParameters::Init::kNormal);
  parameters.Allocate();
  parameters.values().copy_(start.view({-1}));
  DenseAdam adam(config, parameters);
  for (int64_t t = 1; t <= schedule.num_steps; ++t) {
    parameters.gradients().zero_();
    const std::vector<int64_t>& touched = schedule.Touched(t);
    parameters.gradients().view_as(start).index_copy_(0, at::tensor(touched, at::kLong),
                                                      schedule.Gradients(t));
    adam.Step(parameters, t, rate, rate);
  }
  return parameters.values().view_as(start).clone();
}

struct ExactnessCase {
  double beta2;
  double gradient_size;
  int64_t warmup_steps;
  double tolerance;  // of the displacement's relative L2 error: twice what was measured
};

void PrintTo(const ExactnessCase& c, std::ostream* stream) {
  *stream << "beta2 " << c.beta2 << ", gradients of " << c.gradient_size << ", warm-up " << c.warmup_steps;
}

class RowAdamExactness : public testing::TestWithParam<ExactnessCase> {};

TEST_P(RowAdamExactness, SkippedRowsEndWhereDenseAdamPutsThem) {
  const AdamConfig config{.beta2 = GetParam().beta2};
  const LearningRate rate{.base = 1e-3, .warmup_steps = GetParam().warmup_steps};
  const Schedule schedule = RandomGaps(GetParam().gradient_size);
  const at::Tensor start = StartRows(schedule);
  const at::Tensor by_rule = RunRowAdam(config, rate, CatchUpRule::kGaussRule, schedule, start);
  const at::Tensor by_replay = RunRowAdam(config, rate, CatchUpRule::kReplay, schedule, start);
  const at::Tensor dense = RunDenseAdam(config, rate, schedule, start);
  const at::Tensor reference = RunReference<ReferenceEntry>(schedule, start, config, rate);

  const auto error = [&](const char* name, const at::Tensor& found) {
    const double relative = DisplacementError(found, reference, start);
    const double worst = LargestError(found, reference) / rate.base;
    RecordProperty(name, Format("%.2g, worst %.2g lr", relative, worst));
    return relative;
  };
  const double rule_error = error("rule", by_rule);
  const double replay_error = error("replay", by_replay);
  const double dense_error = error("dense", dense);
  EXPECT_LT(rule_error, GetParam().tolerance);
  // Past the limit replay has one product for m and v where dense Adam has hundreds of roundings.
  EXPECT_LT(replay_error, 1.01 * dense_error);
  // The rule rounds once where dense float32 rounds at every step; at 0.95 it is replayed or exact to 2^-18.
  EXPECT_LT(rule_error, 1.05 * dense_error);
  EXPECT_TRUE(at::equal(by_rule[kUntouchedRow], start[kUntouchedRow]));
}

// At 0.95 the rule is not exact for long gaps and small gradients, and many rows are replayed.
INSTANTIATE_TEST_SUITE_P(
    Cases, RowAdamExactness,
    testing::Values(ExactnessCase{0.98, 1e-4, 100, 5e-7}, ExactnessCase{0.98, 1e-6, 100, 7e-7},
                    ExactnessCase{0.98, 1e-8, 100, 3e-6}, ExactnessCase{0.999, 1e-4, 100, 4e-7},
                    ExactnessCase{0.999, 1e-6, 100, 4e-7}, ExactnessCase{0.999, 1e-8, 100, 3e-6},
                    ExactnessCase{0.98, 1e-4, 3000, 6e-7}, ExactnessCase{0.95, 1e-6, 100, 5e-6}));

TEST(RowAdam, ReplayHasTheBitsOfDenseAdamWithinTheLimit) {
  for (const double beta2 : {0.98, 0.999}) {
    const AdamConfig config{.beta2 = beta2};
    const Schedule schedule = EvenGaps(1e-6);
    const at::Tensor start = StartRows(schedule);
    const at::Tensor by_rows = RunRowAdam(config, kRate, CatchUpRule::kReplay, schedule, start);
    const at::Tensor dense = RunDenseAdam(config, kRate, schedule, start);
    const int64_t within = RowAdam(config, kRate, 1, 1).replay_limit() + 1;
    EXPECT_TRUE(at::equal(by_rows.slice(0, 0, within), dense.slice(0, 0, within)));
    // Past the limit m and v decay by one product instead of up to 200 roundings of 6e-8: 1e-5 of moments
    // that have lost all but 2 % of their weight by then.
    EXPECT_LT(DisplacementError(by_rows.slice(0, within), dense.slice(0, within), start.slice(0, within)),
              2e-6);
  }
}

TEST(RowAdam, TakenUpAtAnyStepItHasTheSameBits) {
  const Schedule schedule = RandomGaps(1e-6);
  const at::Tensor start = StartRows(schedule);
  for (const double beta2 : {0.98, 0.999}) {
    const AdamConfig config{.beta2 = beta2};
    RowAdam whole(config, kRate, schedule.num_rows, Schedule::kWidth);
    at::Tensor rows = start.clone();
    int64_t done = 0;
    // Within the first window, while corrections change, after they have settled (0.98), late.
    for (const int64_t stop : {90, 333, 1200, 3000}) {
      RunSteps(schedule, done + 1, stop, rows, &whole);
      done = stop;
      RowAdam resumed(config, kRate, schedule.num_rows, Schedule::kWidth);
      resumed.m.copy_(whole.m);
      resumed.v.copy_(whole.v);
      resumed.last_step.copy_(whole.last_step);
      at::Tensor resumed_rows = rows.clone();
      RunSteps(schedule, stop + 1, stop + 500, resumed_rows, &resumed);
      resumed.CatchUpAll(resumed_rows, stop + 500);

      RowAdam lived(whole);  // with all that it remembers, on tensors of its own
      lived.m = whole.m.clone();
      lived.v = whole.v.clone();
      lived.last_step = whole.last_step.clone();
      at::Tensor lived_rows = rows.clone();
      RunSteps(schedule, stop + 1, stop + 500, lived_rows, &lived);
      lived.CatchUpAll(lived_rows, stop + 500);
      EXPECT_TRUE(at::equal(resumed_rows, lived_rows)) << stop;
      EXPECT_TRUE(at::equal(resumed.m, lived.m)) << stop;
      EXPECT_TRUE(at::equal(resumed.v, lived.v)) << stop;
    }
  }
}

TEST(RowAdam, ReplayLimitLeavesLessThanRounding) {
  const LearningRate rate{.base = 1.0};
  EXPECT_EQ(RowAdam({.beta1 = 0.9, .beta2 = 0.98}, rate, 1, 1).replay_limit(), 198);
  EXPECT_EQ(RowAdam({.beta1 = 0.9, .beta2 = 0.999}, rate, 1, 1).replay_limit(), 192);
  EXPECT_EQ(RowAdam({.beta1 = 0.0, .beta2 = 0.999}, rate, 1, 1).replay_limit(), 0);
  // The worst history for the bound: gradients that grow by b2 / b1 a step, the equality case of
  // Cauchy-Schwarz.
  for (const AdamConfig& config :
       {AdamConfig{0.9, 0.98, 1e-30}, AdamConfig{0.9, 0.999, 1e-30}, AdamConfig{0.9, 0.95, 1e-30}}) {
    const int64_t limit = RowAdam(config, rate, 1, 1).replay_limit();
    ReferenceEntry entry;
    int64_t t = 1;
    for (double g = 1e-10; t <= 1000; ++t, g *= config.beta2 / config.beta1) entry.Step(g, t, config, rate);
    for (int64_t j = 0; j < limit; ++j) entry.Step(0, t++, config, rate);
    const double at_limit = entry.p;
    for (int64_t j = 0; j < 2000; ++j) entry.Step(0, t++, config, rate);
    EXPECT_LT(std::abs(entry.p - at_limit), 0x1p-23);
    EXPECT_GT(std::abs(entry.p - at_limit), 0x1p-25);  // and the bound is not slack
  }
}

// Rows with a gradient of `size` at step 1.
at::Tensor TouchedOnce(RowAdam* adam, double size) {
  at::Tensor rows = at::ones(adam->m.sizes(), at::kFloat);
  adam->Update(rows, at::arange(rows.size(0), at::kLong), at::full(rows.sizes(), size, at::kFloat), 1);
  return rows;
}

TEST(RowAdam, CatchUpInTwoPartsEqualsOne) {
  for (const CatchUpRule rule : {CatchUpRule::kReplay, CatchUpRule::kGaussRule}) {
    RowAdam one({}, kRate, 130, 5, rule);
    RowAdam two({}, kRate, 130, 5, rule);
    at::Tensor rows_one = TouchedOnce(&one, 1e-4);
    at::Tensor rows_two = TouchedOnce(&two, 1e-4);
    one.last_step.fill_(1'000);  // where the rule is exact
    two.last_step.fill_(1'000);
    one.CatchUpAll(rows_one, 1'149);
    two.CatchUpAll(rows_two, 1'060);
    two.CatchUpAll(rows_two, 1'060);  // nothing to do
    two.CatchUpAll(rows_two, 1'149);
    // Replayed the bits are the same; by the rule each float is rounded once more.
    const double tolerance = rule == CatchUpRule::kReplay ? 0 : 0x1p-23;
    EXPECT_LE(LargestError(rows_one, rows_two), tolerance);  // of values near 1
    EXPECT_LE(LargestError(one.m / two.m, at::ones({1})), 2 * tolerance);
    EXPECT_LE(LargestError(one.v / two.v, at::ones({1})), 2 * tolerance);
    EXPECT_TRUE(two.last_step.eq(1'149).all().item<bool>());
  }
}

TEST(RowAdam, RowsThatTheRuleIsNotExactForAreReplayed) {
  // A long gap from the first steps, where the bias corrections grow quickly; and betas close together.
  for (const AdamConfig& config : {AdamConfig{.beta2 = 0.98}, AdamConfig{.beta2 = 0.9}}) {
    RowAdam by_rule(config, kRate, 3, 17);
    RowAdam by_replay(config, kRate, 3, 17, CatchUpRule::kReplay);
    at::Tensor rows = TouchedOnce(&by_rule, 1e-8);
    at::Tensor rows_replayed = TouchedOnce(&by_replay, 1e-8);
    by_rule.CatchUpAll(rows, 120);
    by_replay.CatchUpAll(rows_replayed, 120);
    EXPECT_TRUE(at::equal(rows, rows_replayed));
    EXPECT_TRUE(rows.ne(1).all().item<bool>());
  }
}

TEST(RowAdam, MomentsDecayByPowers) {
  for (const CatchUpRule rule : {CatchUpRule::kReplay, CatchUpRule::kGaussRule}) {
    RowAdam adam({}, kRate, 2, 3, rule);
    at::Tensor rows = TouchedOnce(&adam, 0.5);
    const double m = adam.m[0][0].item<double>();
    const double v = adam.v[0][0].item<double>();
    adam.CatchUp(rows, at::tensor({int64_t{1}}), 701);
    // 198 float roundings of half an ulp each.
    EXPECT_NEAR(adam.m[1][2].item<double>() / (m * std::pow(0.9, 700)), 1, 198 * 0x1p-24);
    EXPECT_NEAR(adam.v[1][2].item<double>() / (v * std::pow(0.98, 700)), 1, 198 * 0x1p-24);
    EXPECT_EQ(adam.last_step[0].item<int64_t>(), 1);  // the other row was left alone
    EXPECT_EQ(adam.m[0][0].item<double>(), m);
  }
}

TEST(RowAdam, WithoutMomentumSkippedStepsMoveNothing) {
  RowAdam adam({.beta1 = 0, .beta2 = 0.5}, kRate, 1, 3);
  at::Tensor rows = TouchedOnce(&adam, 0.25);
  const at::Tensor before = rows.clone();
  adam.CatchUpAll(rows, 4);
  EXPECT_TRUE(at::equal(rows, before));
  EXPECT_TRUE(adam.m.eq(0).all().item<bool>());
  EXPECT_TRUE(adam.v.eq(0.25 * 0.25 * 0.5 / 8).all().item<bool>());
}

TEST(RowAdam, GoesOnAtLargeStepNumbers) {
  RowAdam adam({}, {.base = 0.125}, 1, 1);
  at::Tensor rows = at::zeros({1, 1}, at::kFloat);
  adam.m.fill_(2.0);
  adam.v.fill_(4.0);
  adam.last_step.fill_(1'000'000);
  adam.CatchUpAll(rows, 1'000'001);
  // One skipped step with the corrections faded: lr * 0.9 * 2 / sqrt(0.98 * 4).
  EXPECT_NEAR(rows.item<double>(), -0.125 * 0.9 * 2 / std::sqrt(0.98 * 4), 1e-7);
}

TEST(RowAdam, EntriesWithoutGradientStayWhereTheyAre) {
  RowAdam adam({}, kRate, 3, 4);
  at::Tensor rows = at::full({3, 4}, 0.3F);
  adam.CatchUp(rows, at::empty({0}, at::kLong), 2);
  adam.CatchUpAll(rows, 6);
  // In a row that has gradients too: m = v = 0 must not become 0 / 0.
  adam.Update(rows, at::tensor({int64_t{1}}), at::tensor({1e-3F, 0.0F, 0.0F, -1e-3F}).view({1, 4}), 7);
  adam.CatchUpAll(rows, 1000);
  EXPECT_TRUE(rows[0].eq(0.3F).all().item<bool>());
  EXPECT_TRUE(rows[1].slice(0, 1, 3).eq(0.3F).all().item<bool>());
  EXPECT_LT(rows[1][0].item<float>(), 0.3F);
  EXPECT_GT(rows[1][3].item<float>(), 0.3F);
  EXPECT_TRUE(adam.last_step.eq(1000).all().item<bool>());
}

TEST(RowAdam, ZeroGradientIsAStep) {
  RowAdam updated({}, kRate, 1, 4);
  RowAdam skipped({}, kRate, 1, 4, CatchUpRule::kReplay);
  at::Tensor rows_updated = TouchedOnce(&updated, 1e-3);
  at::Tensor rows_skipped = TouchedOnce(&skipped, 1e-3);
  updated.Update(rows_updated, at::zeros({1}, at::kLong), at::zeros({1, 4}), 2);
  skipped.CatchUpAll(rows_skipped, 2);
  EXPECT_TRUE(rows_updated.ne(1 - 1e-5F).all().item<bool>());  // the first moment goes on moving the row
  EXPECT_TRUE(at::equal(rows_updated, rows_skipped));
  EXPECT_TRUE(at::equal(updated.v, skipped.v));
}

TEST(RowAdam, AnEntryGetsTheSameBitsAnywhere) {
  // Vector bodies and tails, and both sides of a split between threads.
  RowAdam adam({}, kRate, 500, 37);
  at::Tensor rows = TouchedOnce(&adam, 3e-5);
  adam.CatchUpAll(rows, 77);
  EXPECT_TRUE(rows.eq(rows[0][0]).all().item<bool>());
  EXPECT_TRUE(adam.m.eq(adam.m[0][0]).all().item<bool>());
}

TEST(RowAdam, GradientsMayBeMadeWhereTheyAreUsed) {
  constexpr int64_t kRows = 3'000, kWidth = 20;
  RowAdam by_matrix({}, kRate, kRows, kWidth);
  RowAdam by_row({}, kRate, kRows, kWidth);
  at::Tensor rows_matrix = TouchedOnce(&by_matrix, 1e-4);
  at::Tensor rows_row = TouchedOnce(&by_row, 1e-4);
  const at::Tensor slots = at::arange(kRows - 1, -1, -2, at::kLong);  // every other row, backwards
  at::Tensor gradients = at::empty({slots.numel(), kWidth}, at::kFloat);
  float* g = gradients.data_ptr<float>();
  for (int64_t i = 0; i < gradients.numel(); ++i) {
    g[i] = static_cast<float>(1e-4 * MakeRandomKey(6, RandomSite::kTest).Normal(i));
  }
  by_matrix.Update(rows_matrix, slots, gradients, 2);
  std::vector<std::atomic<int>> calls(static_cast<size_t>(slots.numel()));
  by_row.Update(
      rows_row, slots,
      [&](int64_t i, float* gradient) {
        ++calls[static_cast<size_t>(i)];
        std::copy_n(g + i * kWidth, kWidth, gradient);
      },
      2);
  EXPECT_THAT(calls, testing::Each(testing::Eq(1)));
  EXPECT_TRUE(at::equal(rows_matrix, rows_row));
  EXPECT_TRUE(at::equal(by_matrix.m, by_row.m));
  EXPECT_TRUE(at::equal(by_matrix.v, by_row.v));
  EXPECT_TRUE(at::equal(by_matrix.last_step, by_row.last_step));
}

TEST(RowAdam, TakesTwelveBytesAnEntryAndEightARow) {
  constexpr int64_t kRows = 1'000, kWidth = 64;
  const RowAdam adam({}, kRate, kRows, kWidth);
  const size_t values = kRows * kWidth * sizeof(float);
  EXPECT_EQ(values + adam.m.nbytes() + adam.v.nbytes() + adam.last_step.nbytes(), kRows * (12 * kWidth + 8));
}

TEST(RowAdam, RefusesSlotsThatCannotBe) {
  RowAdam adam({}, kRate, 4, 2);
  at::Tensor rows = TouchedOnce(&adam, 0.1);
  const at::Tensor before = rows.clone();
  const at::Tensor outside = at::tensor({int64_t{1}, int64_t{4}});
  const at::Tensor good = at::tensor({int64_t{1}, int64_t{3}});
  const auto ones = [](int64_t n) { return at::ones({n, 2}, at::kFloat); };
  EXPECT_THAT(BugMessage([&] { adam.CatchUp(rows, outside, 5); }),
              HasSubstr("slot 4 at place 1 of 2: expected 0 <= slot < 4"));
  EXPECT_THAT(BugMessage([&] { adam.Update(rows, outside, ones(2), 2); }), HasSubstr("0 <= slot < 4"));
  EXPECT_THAT(BugMessage([&] { adam.CatchUp(rows, good, 0); }),
              HasSubstr("at or before step 0, found it at step 1"));
  EXPECT_THAT(BugMessage([&] { adam.Update(rows, good, ones(2), 9); }),
              HasSubstr("at step 8, named once; found it at step 1"));
  EXPECT_THAT(BugMessage([&] { adam.Update(rows, good, ones(3), 2); }), HasSubstr("gradients must be"));
  EXPECT_TRUE(at::equal(rows, before));
  EXPECT_TRUE(adam.last_step.eq(1).all().item<bool>());
}

TEST(RowAdam, ASlotNamedTwiceTakesOneStep) {
  RowAdam adam({}, kRate, 4, 2);
  at::Tensor rows = TouchedOnce(&adam, 0.1);
  const at::Tensor twice = at::tensor({int64_t{2}, int64_t{0}, int64_t{2}});
  EXPECT_THAT(BugMessage([&] {
                adam.Update(rows, twice, at::ones({3, 2}), 2);
              }),
              HasSubstr("slot 2 at place 2 of 3: expected a row at step 1, named once; found it at step 2"));
  EXPECT_TRUE(at::equal(adam.last_step, at::tensor({2, 1, 2, 1}, at::kLong)));
  EXPECT_TRUE(at::equal(rows[0], rows[2]));  // the same step, once
  adam.CatchUp(rows, twice, 5);
  adam.CatchUp(rows, at::tensor({int64_t{0}}), 5);
  EXPECT_TRUE(at::equal(rows[0], rows[2]));
  EXPECT_TRUE(at::equal(adam.last_step, at::tensor({5, 1, 5, 1}, at::kLong)));
}

TEST(RowAdam, ARowWhoseGradientFailsIsLeftAsItWas) {
  RowAdam adam({}, kRate, 3, 2);
  at::Tensor rows = TouchedOnce(&adam, 0.1);
  const at::Tensor before = rows.clone();
  const auto fails_at_row_1 = [](int64_t i, float* gradient) {
    if (i == 1) throw std::runtime_error("no gradient");
    std::fill_n(gradient, 2, 1.0F);
  };
  EXPECT_THROW(adam.Update(rows, at::arange(3, at::kLong), fails_at_row_1, 2), std::runtime_error);
  EXPECT_TRUE(at::equal(rows[1], before[1]));
  EXPECT_TRUE(at::equal(adam.last_step, at::tensor({2, 1, 1}, at::kLong)));
}

}  // namespace
}  // namespace ppr::optim
