// Adam against a scalar double reference, and rows that are skipped against all-row dense Adam.
#include "train/adam.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/errors.h"
#include "base/random.h"

namespace ppr::train {
namespace {

using model::DenseParameters;
using model::ParameterGroup;
using testing::HasSubstr;
using Init = DenseParameters::Init;

constexpr LearningRate kRate{.base = 1e-3, .warmup_steps = 100};

DenseParameters MakeParameters(int64_t pretrained, int64_t fresh, at::ScalarType dtype = at::kFloat) {
  DenseParameters parameters(/*seed=*/7, /*init_std=*/0.02, at::TensorOptions().dtype(dtype));
  parameters.Add("pretrained", {pretrained}, ParameterGroup::kPretrained, Init::kNormal);
  parameters.Add("fresh", {fresh}, ParameterGroup::kNew, Init::kNormal);
  parameters.Allocate();
  return parameters;
}

// The definition, one entry at a time, in double.
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

TEST(DenseAdam, DoubleBufferEqualsTheDefinition) {
  const AdamConfig config;
  DenseParameters parameters = MakeParameters(5, 3, at::kDouble);
  const LearningRate fresh{.base = 5e-3, .warmup_steps = 10};
  std::vector<ReferenceEntry> reference(8);
  for (int64_t i = 0; i < 8; ++i) reference[i].p = parameters.values()[i].item<double>();
  DenseAdam adam(config, parameters);
  const RandomKey key = MakeRandomKey(1, RandomSite::kTest);
  for (int64_t t = 1; t <= 300; ++t) {
    for (int64_t i = 0; i < 8; ++i) {
      const double g = 1e-3 * key.With(t).Normal(i);
      parameters.gradients()[i] = g;
      reference[i].Step(g, t, config, i < 5 ? kRate : fresh);
    }
    adam.Step(parameters, t, kRate, fresh);
  }
  // Both round in double: 300 steps of 1e-3 leave less than 300 roundings of 1e-19 each.
  for (int64_t i = 0; i < 8; ++i)
    EXPECT_NEAR(parameters.values()[i].item<double>(), reference[i].p, 1e-14) << i;
}

TEST(DenseAdam, FirstStepMovesByTheRateOfItsGroup) {
  DenseParameters parameters = MakeParameters(3, 2);
  const at::Tensor before = parameters.values().clone();
  parameters.gradients().fill_(-0.25);
  DenseAdam adam({}, parameters);
  adam.Step(parameters, 1, {.base = 0.5}, {.base = 0.25});
  const at::Tensor moved = parameters.values() - before;
  // Step 1 is lr * g / (|g| + eps); float32 keeps 0.5 to 3e-8 and the start values to 4e-9.
  for (int64_t i = 0; i < 3; ++i) EXPECT_NEAR(moved[i].item<float>(), 0.5F, 1e-6F);
  for (int64_t i = 3; i < 5; ++i) EXPECT_NEAR(moved[i].item<float>(), 0.25F, 1e-6F);
}

TEST(DenseAdam, FrozenGroupKeepsItsBits) {
  DenseParameters parameters = MakeParameters(40'000, 300);
  DenseAdam adam({}, parameters);
  parameters.gradients().fill_(1.0);
  adam.Step(parameters, 1, kRate, kRate);
  parameters.Freeze(ParameterGroup::kPretrained);
  const at::Tensor before = parameters.values().clone();
  const at::Tensor m_before = adam.m.clone();
  const at::Tensor v_before = adam.v.clone();
  parameters.gradients().fill_(1.0);  // even were a gradient there
  adam.Step(parameters, 2, kRate, kRate);
  EXPECT_TRUE(at::equal(parameters.values().slice(0, 0, 40'000), before.slice(0, 0, 40'000)));
  EXPECT_TRUE(at::equal(adam.m.slice(0, 0, 40'000), m_before.slice(0, 0, 40'000)));
  EXPECT_TRUE(at::equal(adam.v.slice(0, 0, 40'000), v_before.slice(0, 0, 40'000)));
  EXPECT_TRUE(parameters.values().slice(0, 40'000).ne(before.slice(0, 40'000)).all().item<bool>());
}

TEST(DenseAdam, AnEntryGetsTheSameBitsAnywhereInTheBuffer) {
  // 70,001 entries with the same start and gradients: several threads, vector bodies and tails.
  DenseParameters parameters = MakeParameters(70'000, 1);
  parameters.values().fill_(0.1);
  DenseAdam adam({}, parameters);
  for (int64_t t = 1; t <= 20; ++t) {
    parameters.gradients().fill_(MakeRandomKey(2, RandomSite::kTest).Normal(t));
    adam.Step(parameters, t, kRate, kRate);
  }
  EXPECT_TRUE(parameters.values().eq(parameters.values()[0]).all().item<bool>());
}

TEST(DenseAdam, BiasCorrectionFadesAtLargeStepNumbers) {
  DenseParameters parameters = MakeParameters(1, 1);
  parameters.values().fill_(0);
  parameters.gradients().fill_(2.0);
  DenseAdam adam({}, parameters);
  adam.m.fill_(2.0);
  adam.v.fill_(4.0);
  adam.Step(parameters, 1'000'000'000'000, {.base = 0.125}, {.base = 0.125});
  // beta^t underflows to 0: the step is lr * m / (sqrt(v) + eps) = lr.
  EXPECT_NEAR(parameters.values()[0].item<float>(), -0.125F, 1e-7F);
}

// Row r of `rows_of` is touched at steps 1, 1 + gap, 1 + 2 gap, ... with gap = r + 1: skipped for 0 to 399
// steps.
struct Schedule {
  static constexpr int64_t kRows = 400, kWidth = 3, kSteps = 500;
  double gradient_size;

  static bool Touched(int64_t row, int64_t step) { return (step - 1) % (row + 1) == 0; }
  double Gradient(int64_t row, int64_t column, int64_t step) const {
    if (!Touched(row, step)) return 0;
    const RandomKey key = MakeRandomKey(3, RandomSite::kTest).With(row).With(step);
    return static_cast<float>(gradient_size * key.Normal(column));
  }
};

// The table after kSteps steps of RowAdam on touched rows, all rows caught up; [rows, width].
at::Tensor RunRowAdam(const Schedule& schedule, const at::Tensor& start, RowAdam* adam) {
  at::Tensor rows = start.clone();
  for (int64_t t = 1; t <= Schedule::kSteps; ++t) {
    std::vector<int64_t> touched;
    std::vector<float> gradients;
    for (int64_t r = Schedule::kRows - 1; r >= 0; --r) {
      if (!Schedule::Touched(r, t)) continue;
      touched.push_back(r);
      for (int64_t c = 0; c < Schedule::kWidth; ++c) {
        gradients.push_back(static_cast<float>(schedule.Gradient(r, c, t)));
      }
    }
    const at::Tensor slots = at::tensor(touched, at::kLong);
    adam->CatchUp(rows, slots, t - 1);
    adam->Update(rows, slots, at::tensor(gradients).view({-1, Schedule::kWidth}), t);
  }
  adam->CatchUpAll(rows, Schedule::kSteps);
  return rows;
}

// The same table stepped densely: every row at every step, in float32 by DenseAdam.
at::Tensor RunDenseAdam(const AdamConfig& config, const Schedule& schedule, const at::Tensor& start) {
  DenseParameters parameters = MakeParameters(start.numel(), 0);
  parameters.values().copy_(start.view({-1}));
  DenseAdam adam(config, parameters);
  for (int64_t t = 1; t <= Schedule::kSteps; ++t) {
    float* g = parameters.gradients().data_ptr<float>();
    for (int64_t i = 0; i < start.numel(); ++i) {
      g[i] = static_cast<float>(schedule.Gradient(i / Schedule::kWidth, i % Schedule::kWidth, t));
    }
    adam.Step(parameters, t, kRate, kRate);
  }
  return parameters.values().view_as(start).clone();
}

// And by the definition, in double.
at::Tensor RunReference(const AdamConfig& config, const Schedule& schedule, const at::Tensor& start) {
  at::Tensor result = start.to(at::kDouble);
  double* p = result.data_ptr<double>();
  for (int64_t i = 0; i < result.numel(); ++i) {
    ReferenceEntry entry{.p = p[i]};
    for (int64_t t = 1; t <= Schedule::kSteps; ++t) {
      entry.Step(schedule.Gradient(i / Schedule::kWidth, i % Schedule::kWidth, t), t, config, kRate);
    }
    p[i] = entry.p;
  }
  return result;
}

// |found - expected| / |expected - start|, L2.
double DisplacementError(const at::Tensor& found, const at::Tensor& expected, const at::Tensor& start) {
  const at::Tensor error = found.to(at::kDouble) - expected.to(at::kDouble);
  return (error.norm() / (expected.to(at::kDouble) - start.to(at::kDouble)).norm()).item<double>();
}

at::Tensor StartRows() {
  at::Tensor start = at::empty({Schedule::kRows, Schedule::kWidth}, at::kFloat);
  float* values = start.data_ptr<float>();
  for (int64_t i = 0; i < start.numel(); ++i) {
    values[i] = static_cast<float>(0.02 * MakeRandomKey(4, RandomSite::kTest).Normal(i));
  }
  return start;
}

struct ExactnessCase {
  double beta2;
  double gradient_size;
  // Relative L2 error of the displacement against double. Measured: 1.3e-6, and 6.5e-6 where gradients are as
  // small as eps; dense float32 has the same errors, they are its rounding.
  double tolerance;
};

void PrintTo(const ExactnessCase& exactness_case, std::ostream* stream) {
  *stream << "beta2 " << exactness_case.beta2 << ", gradients of " << exactness_case.gradient_size;
}

class RowAdamExactness : public testing::TestWithParam<ExactnessCase> {};

TEST_P(RowAdamExactness, SkippedRowsEndWhereDenseAdamPutsThem) {
  const AdamConfig config{.beta2 = GetParam().beta2};
  const Schedule schedule{GetParam().gradient_size};
  const at::Tensor start = StartRows();
  RowAdam adam(config, kRate, Schedule::kRows, Schedule::kWidth);
  const at::Tensor by_rows = RunRowAdam(schedule, start, &adam);
  const at::Tensor dense = RunDenseAdam(config, schedule, start);
  const at::Tensor reference = RunReference(config, schedule, start);

  // No row with a gap within the limit differs from dense float32 by a single bit.
  const int64_t within = adam.replay_limit() + 1;
  EXPECT_TRUE(at::equal(by_rows.slice(0, 0, within), dense.slice(0, 0, within)));
  // Past the limit m and v decay by one product instead of up to 200 roundings of 6e-8: 1e-5 of moments that
  // have lost all but 2 % of their weight by then.
  EXPECT_LT(DisplacementError(by_rows.slice(0, within), dense.slice(0, within), start.slice(0, within)),
            2e-6);

  const double row_error = DisplacementError(by_rows, reference, start);
  const double dense_error = DisplacementError(dense, reference, start);
  RecordProperty("row_error", std::to_string(row_error * 1e9) + "e-9");
  RecordProperty("dense_error", std::to_string(dense_error * 1e9) + "e-9");
  EXPECT_LT(row_error, GetParam().tolerance);
  EXPECT_LT(row_error, 1.01 * dense_error + 1e-9);  // float32 rounding is all the error there is
}

INSTANTIATE_TEST_SUITE_P(Cases, RowAdamExactness,
                         testing::Values(ExactnessCase{0.98, 1e-4, 5e-6}, ExactnessCase{0.98, 1e-6, 5e-6},
                                         ExactnessCase{0.98, 1e-8, 5e-5}, ExactnessCase{0.999, 1e-4, 5e-6},
                                         ExactnessCase{0.999, 1e-6, 5e-6}));

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
at::Tensor TouchedOnce(RowAdam* adam, int64_t num_rows, int64_t width, double size) {
  at::Tensor rows = at::ones({num_rows, width}, at::kFloat);
  adam->Update(rows, at::arange(num_rows, at::kLong), at::full({num_rows, width}, size, at::kFloat), 1);
  return rows;
}

TEST(RowAdam, CatchUpInTwoPartsEqualsOne) {
  RowAdam one({}, kRate, 130, 5);
  RowAdam two({}, kRate, 130, 5);
  at::Tensor rows_one = TouchedOnce(&one, 130, 5, 1e-4);
  at::Tensor rows_two = TouchedOnce(&two, 130, 5, 1e-4);
  one.CatchUpAll(rows_one, 150);
  two.CatchUpAll(rows_two, 61);
  two.CatchUpAll(rows_two, 61);  // nothing to do
  two.CatchUpAll(rows_two, 150);
  EXPECT_TRUE(at::equal(rows_one, rows_two));
  EXPECT_TRUE(at::equal(one.m, two.m));
  EXPECT_TRUE(at::equal(one.v, two.v));
  EXPECT_TRUE(one.last_step.eq(150).all().item<bool>());
}

TEST(RowAdam, MomentsDecayByPowersPastTheLimit) {
  RowAdam adam({}, kRate, 2, 3);
  at::Tensor rows = TouchedOnce(&adam, 2, 3, 0.5);
  const double m = adam.m[0][0].item<double>();
  const double v = adam.v[0][0].item<double>();
  adam.CatchUp(rows, at::tensor({int64_t{1}}), 701);
  // 198 float roundings of half an ulp each.
  EXPECT_NEAR(adam.m[1][2].item<double>() / (m * std::pow(0.9, 700)), 1, 198 * 0x1p-24);
  EXPECT_NEAR(adam.v[1][2].item<double>() / (v * std::pow(0.98, 700)), 1, 198 * 0x1p-24);
  EXPECT_EQ(adam.last_step[0].item<int64_t>(), 1);  // the other row was left alone
  EXPECT_EQ(adam.m[0][0].item<double>(), m);
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

TEST(RowAdam, NeverTouchedRowsStayWhereTheyAre) {
  RowAdam adam({}, kRate, 3, 4);
  at::Tensor rows = at::full({3, 4}, 0.3F);
  adam.CatchUpAll(rows, 1000);
  EXPECT_TRUE(rows.eq(0.3F).all().item<bool>());
  EXPECT_TRUE(adam.last_step.eq(1000).all().item<bool>());
}

TEST(RowAdam, ZeroGradientIsAStep) {
  RowAdam updated({}, kRate, 1, 4);
  RowAdam skipped({}, kRate, 1, 4);
  at::Tensor rows_updated = TouchedOnce(&updated, 1, 4, 1e-3);
  at::Tensor rows_skipped = TouchedOnce(&skipped, 1, 4, 1e-3);
  updated.Update(rows_updated, at::zeros({1}, at::kLong), at::zeros({1, 4}), 2);
  skipped.CatchUpAll(rows_skipped, 2);
  EXPECT_TRUE(rows_updated.ne(1 - 1e-5F).all().item<bool>());  // the first moment goes on moving the row
  EXPECT_TRUE(at::equal(rows_updated, rows_skipped));
  EXPECT_TRUE(at::equal(updated.v, skipped.v));
}

template <typename Call>
std::string BugMessage(const Call& call) {
  try {
    call();
  } catch (const BugError& error) {
    return error.what();
  }
  return "no error";
}

TEST(RowAdam, RefusesSlotsThatCannotBeAndChangesNothing) {
  RowAdam adam({}, kRate, 4, 2);
  at::Tensor rows = TouchedOnce(&adam, 4, 2, 0.1);
  const at::Tensor before = rows.clone();
  const at::Tensor twice = at::tensor({int64_t{2}, int64_t{0}, int64_t{2}});
  const at::Tensor outside = at::tensor({int64_t{1}, int64_t{4}});
  const at::Tensor good = at::tensor({int64_t{1}, int64_t{3}});
  const auto ones = [](int64_t n) { return at::ones({n, 2}, at::kFloat); };
  EXPECT_THAT(BugMessage([&] { adam.CatchUp(rows, twice, 5); }),
              HasSubstr("slot 2 at place 2 of 3: named twice"));
  EXPECT_THAT(BugMessage([&] { adam.Update(rows, twice, ones(3), 2); }), HasSubstr("named twice"));
  EXPECT_THAT(BugMessage([&] { adam.CatchUp(rows, outside, 5); }), HasSubstr("expected 0 <= slot < 4"));
  EXPECT_THAT(BugMessage([&] { adam.CatchUp(rows, good, 0); }),
              HasSubstr("at or before step 0, found it at step 1"));
  EXPECT_THAT(BugMessage([&] { adam.Update(rows, good, ones(2), 9); }),
              HasSubstr("at step 8, found it at step 1"));
  EXPECT_THAT(BugMessage([&] { adam.Update(rows, good, ones(3), 2); }), HasSubstr("gradients must be"));
  EXPECT_TRUE(at::equal(rows, before));
  EXPECT_TRUE(adam.last_step.eq(1).all().item<bool>());
}

TEST(AdamConfig, NamesWhatCannotWork) {
  EXPECT_TRUE(AdamConfig{}.Problems().empty());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(AdamConfig({.beta1 = nan}).Problems(),
              testing::ElementsAre(HasSubstr("beta1 must be in [0, 1), found nan")));
  EXPECT_THAT(AdamConfig({.beta2 = 1.0}).Problems(),
              testing::ElementsAre(HasSubstr("beta2 must be in [0, 1), found 1")));
  EXPECT_THAT(AdamConfig({.epsilon = 0}).Problems(),
              testing::ElementsAre(HasSubstr("epsilon must be positive")));
  EXPECT_THAT(AdamConfig({.beta1 = 0.99, .beta2 = 0.98}).Problems(),
              testing::ElementsAre(HasSubstr("beta1 must be below sqrt(beta2) = 0.989949")));
  EXPECT_THAT(AdamConfig({.beta1 = -1, .beta2 = 2, .epsilon = nan}).Problems(), testing::SizeIs(3));
}

}  // namespace
}  // namespace ppr::train
