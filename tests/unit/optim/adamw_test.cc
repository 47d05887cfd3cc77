// AdamW on rows that are skipped, by the Gauss rule and by replay, against AdamW on all rows in double.
#include "optim/adamw.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/errors.h"
#include "unit/optim/adam_reference.h"
#include "unit/optim/row_schedules.h"

namespace ppr::optim {
namespace {

using model::DenseParameters;
using model::ParameterGroup;

struct AdamWEntry : ReferenceEntry {
  void Step(double g, int64_t t, const AdamConfig& c, const LearningRate& rate, double weight_decay) {
    p *= 1 - rate.at(t) * weight_decay;
    ReferenceEntry::Step(g, t, c, rate);
  }
};

void RunSteps(const Schedule& schedule, int64_t from, int64_t to, const at::Tensor& rows,
              RowOptimiser* optimiser) {
  for (int64_t t = from; t <= to; ++t) {
    const at::Tensor slots = at::tensor(schedule.Touched(t), at::kLong);
    optimiser->CatchUp(rows, slots, t - 1);
    optimiser->Update(rows, slots, schedule.Gradients(t), t);
  }
}

at::Tensor RunRows(RowOptimiser* optimiser, const Schedule& schedule, const at::Tensor& start) {
  const at::Tensor rows = start.clone();
  RunSteps(schedule, 1, schedule.num_steps, rows, optimiser);
  optimiser->CatchUpAll(rows, schedule.num_steps);
  return rows;
}

// The same table stepped densely in float32.
at::Tensor RunDense(const AdamConfig& config, double weight_decay, const LearningRate& rate,
                    const Schedule& schedule, const at::Tensor& start) {
  DenseParameters parameters(/*seed=*/7, /*init_std=*/0.02, at::TensorOptions().dtype(at::kFloat));
  parameters.Add("rows", start.sizes().vec(), ParameterGroup::kPretrained, DenseParameters::Init::kNormal);
  parameters.Allocate();
  parameters.values().copy_(start.view({-1}));
  DenseAdamW adam(config, weight_decay, parameters);
  for (int64_t t = 1; t <= schedule.num_steps; ++t) {
    parameters.gradients().zero_();
    parameters.gradients().view_as(start).index_copy_(0, at::tensor(schedule.Touched(t), at::kLong),
                                                      schedule.Gradients(t));
    adam.Step(parameters, t, rate, rate);
  }
  return parameters.values().view_as(start).clone();
}

struct ExactnessCase {
  double beta2, gradient_size;
  int64_t warmup_steps;
  double weight_decay;
  double tolerance;  // of the displacement's relative L2 error: twice what was measured
};

void PrintTo(const ExactnessCase& c, std::ostream* stream) {
  *stream << "beta2 " << c.beta2 << ", gradients of " << c.gradient_size << ", warm-up " << c.warmup_steps
          << ", decay " << c.weight_decay;
}

class RowAdamWExactness : public testing::TestWithParam<ExactnessCase> {};

TEST_P(RowAdamWExactness, SkippedRowsEndWhereAdamWOnAllRowsPutsThem) {
  const ExactnessCase& c = GetParam();
  const AdamConfig config{.beta2 = c.beta2};
  const LearningRate rate{.base = 1e-3, .warmup_steps = c.warmup_steps};
  const Schedule schedule = RandomGaps(c.gradient_size);
  const at::Tensor start = StartRows(schedule);
  const auto run = [&](CatchUpRule rule) {
    RowAdamW adam(config, c.weight_decay, rate, schedule.num_rows, Schedule::kWidth, rule);
    return RunRows(&adam, schedule, start);
  };
  const at::Tensor reference = RunReference<AdamWEntry>(schedule, start, config, rate, c.weight_decay);
  const at::Tensor by_rule = run(CatchUpRule::kGaussRule);
  const double rule_error = DisplacementError(by_rule, reference, start);
  const double replay_error = DisplacementError(run(CatchUpRule::kReplay), reference, start);
  const double dense_error =
      DisplacementError(RunDense(config, c.weight_decay, rate, schedule, start), reference, start);
  std::printf("rule %.2g (worst %.2g lr), replay %.2g, all rows in float32 %.2g\n", rule_error,
              LargestError(by_rule, reference) / rate.base, replay_error, dense_error);
  EXPECT_LT(rule_error, c.tolerance);
  EXPECT_LT(rule_error, 1.05 * dense_error);
  EXPECT_LT(replay_error, 1.05 * dense_error);
  // A row without moments decays alone: its own error, which the other rows' displacement would hide. One
  // rounding of the factor and one of the product; what falls out of float32's range is nothing.
  const at::Tensor untouched = reference[kUntouchedRow];
  const at::Tensor off = (by_rule[kUntouchedRow].to(at::kDouble) - untouched).abs();
  EXPECT_TRUE(off.le(untouched.abs() * 1.5e-7 + 1e-37).all().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RowAdamWExactness,
    testing::Values(ExactnessCase{0.98, 1e-4, 100, 0.01, 1e-6}, ExactnessCase{0.98, 1e-6, 100, 0.1, 1e-6},
                    ExactnessCase{0.98, 1e-8, 100, 0.1, 3e-6}, ExactnessCase{0.999, 1e-4, 100, 0.1, 1e-6},
                    ExactnessCase{0.999, 1e-6, 100, 1, 1e-6}, ExactnessCase{0.999, 1e-8, 100, 0.01, 8e-6},
                    ExactnessCase{0.98, 1e-4, 3000, 0.1, 1e-6}, ExactnessCase{0.95, 1e-6, 100, 0.1, 5e-6},
                    // So strong that the decay within a gap changes what its steps weigh.
                    ExactnessCase{0.98, 1e-4, 100, 30, 2e-6}));

TEST(RowAdamW, WithoutDecayItHasTheBitsOfAdam) {
  const LearningRate rate{.base = 1e-3, .warmup_steps = 100};
  const Schedule schedule = RandomGaps(1e-6);
  const at::Tensor start = StartRows(schedule);
  RowAdamW decoupled({}, 0, rate, schedule.num_rows, Schedule::kWidth);
  RowAdam adam({}, rate, schedule.num_rows, Schedule::kWidth);
  EXPECT_TRUE(at::equal(RunRows(&decoupled, schedule, start), RunRows(&adam, schedule, start)));
}

TEST(RowAdamW, ReplayHasTheBitsOfAllRowsWithinTheLimit) {
  const LearningRate rate{.base = 1e-3, .warmup_steps = 100};
  Schedule schedule(/*rows=*/4, /*steps=*/400, /*gradient=*/1e-5);
  for (const size_t step : {1, 150, 340}) schedule.touched_at[step] = {0, 2};
  for (const size_t step : {2, 3, 190}) schedule.touched_at[step] = {1, 3};
  for (const size_t step : {371}) schedule.touched_at[step] = {0, 1, 3};
  const at::Tensor start = StartRows(schedule);
  RowAdamW replayed({}, 0.1, rate, 4, Schedule::kWidth, CatchUpRule::kReplay);
  EXPECT_TRUE(at::equal(RunRows(&replayed, schedule, start), RunDense({}, 0.1, rate, schedule, start)));
}

TEST(RowAdamW, TakenUpAtAnyStepItHasTheSameBits) {
  const LearningRate rate{.base = 1e-3, .warmup_steps = 500};
  const Schedule schedule = RandomGaps(1e-6);
  const at::Tensor start = StartRows(schedule);
  RowAdamW whole({}, 0.1, rate, schedule.num_rows, Schedule::kWidth);
  const at::Tensor rows = start.clone();
  int64_t done = 0;
  for (const int64_t stop : {90, 333, 1200, 3000}) {
    RunSteps(schedule, done + 1, stop, rows, &whole);
    done = stop;
    RowAdamW resumed({}, 0.1, rate, schedule.num_rows, Schedule::kWidth);
    RowAdamW lived(whole);
    for (RowAdamW* copy : {&resumed, &lived}) {
      copy->m = whole.m.clone();
      copy->v = whole.v.clone();
      copy->last_step = whole.last_step.clone();
    }
    const at::Tensor resumed_rows = rows.clone(), lived_rows = rows.clone();
    const at::Tensor copied = at::empty_like(rows);
    resumed.CopyCaughtUp(resumed_rows, 0, stop, copied);
    EXPECT_TRUE(at::equal(resumed_rows, rows)) << "a copy leaves the rows alone";
    RunSteps(schedule, stop + 1, stop + 500, resumed_rows, &resumed);
    RunSteps(schedule, stop + 1, stop + 500, lived_rows, &lived);
    EXPECT_TRUE(at::equal(resumed_rows, lived_rows)) << stop;
    EXPECT_TRUE(at::equal(resumed.m, lived.m)) << stop;
    at::Tensor all = rows.clone();
    RowAdamW caught_up(whole);
    caught_up.m = whole.m.clone();
    caught_up.v = whole.v.clone();
    caught_up.last_step = whole.last_step.clone();
    caught_up.CatchUpAll(all, stop);
    EXPECT_TRUE(at::equal(all, copied)) << stop;
  }
}

TEST(RowAdamW, RefusesADecayThatTurnsValuesAround) {
  EXPECT_THROW(RowAdamW({}, 10, {.base = 0.1}, 1, 1), ConfigError);
}

TEST(DenseAdamW, MatricesDecayAndBiasesDoNot) {
  DenseParameters parameters(/*seed=*/7, /*init_std=*/0.5, at::TensorOptions().dtype(at::kDouble));
  parameters.Add("weight", {2, 3}, ParameterGroup::kPretrained, DenseParameters::Init::kNormal);
  parameters.Add("bias", {2}, ParameterGroup::kPretrained, DenseParameters::Init::kNormal);
  parameters.Add("new.weight", {1, 2}, ParameterGroup::kNew, DenseParameters::Init::kNormal);
  parameters.Allocate();
  const LearningRate pretrained{.base = 1e-3, .warmup_steps = 50}, fresh{.base = 5e-3};
  std::vector<AdamWEntry> reference(10);
  for (size_t i = 0; i < 10; ++i)
    reference[i].p = parameters.values()[static_cast<int64_t>(i)].item<double>();
  DenseAdamW adam({}, 0.3, parameters);
  const RandomKey key = MakeRandomKey(1, RandomSite::kTest);
  for (int64_t t = 1; t <= 200; ++t) {
    for (size_t i = 0; i < 10; ++i) {
      const double g = 1e-3 * key.With(t).Normal(i);
      parameters.gradients()[static_cast<int64_t>(i)] = g;
      const bool decays = i < 6 || i >= 8;
      reference[i].Step(g, t, {}, i < 8 ? pretrained : fresh, decays ? 0.3 : 0);
    }
    adam.Step(parameters, t, pretrained, fresh);
  }
  // Both round in double.
  for (size_t i = 0; i < 10; ++i)
    EXPECT_NEAR(parameters.values()[static_cast<int64_t>(i)].item<double>(), reference[i].p, 1e-14) << i;
}

}  // namespace
}  // namespace ppr::optim
