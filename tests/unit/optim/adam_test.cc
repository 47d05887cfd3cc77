// Adam on the dense buffer against a scalar double reference.
#include "optim/adam.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"
#include "unit/optim/adam_reference.h"

namespace ppr::optim {
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

TEST(AdamConfig, NamesWhatCannotWork) {
  EXPECT_TRUE(AdamConfig{}.Problems().empty());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(AdamConfig({.beta1 = nan}).Problems(),
              testing::ElementsAre(HasSubstr("beta1: expected a share in [0, 1), found nan")));
  EXPECT_THAT(AdamConfig({.beta2 = 1.0}).Problems(),
              testing::ElementsAre(HasSubstr("beta2: expected a share in [0, 1), found 1")));
  // 0, and what would make 0 / 0 of an untouched entry in float32.
  for (const double epsilon : {0.0, 1e-46}) {
    EXPECT_THAT(AdamConfig({.epsilon = epsilon}).Problems(),
                testing::ElementsAre(HasSubstr("epsilon: expected a number from 1e-30 to 1e6")));
  }
  EXPECT_THAT(AdamConfig({.beta1 = 0.99, .beta2 = 0.98}).Problems(),
              testing::ElementsAre(HasSubstr("beta1: expected a number below sqrt(beta2) = 0.989949")));
  EXPECT_THAT(AdamConfig({.beta1 = -1, .beta2 = 2, .epsilon = nan}).Problems(), testing::SizeIs(3));
}

}  // namespace
}  // namespace ppr::optim
