// The flat buffer: its layout, that leaves and gradients live in it, initial values, freezing.
#include "model/dense_parameters.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "support/gradient_check.h"

namespace ppr::model {
namespace {

using Init = DenseParameters::Init;
using test::LargestDifference;

constexpr double kInitStd = 0.5;

DenseParameters ThreeParameters(uint64_t seed, at::ScalarType dtype = at::kDouble) {
  DenseParameters parameters(seed, kInitStd, at::TensorOptions().dtype(dtype));
  parameters.Add("gain", {3}, ParameterGroup::kPretrained, Init::kOnes);
  parameters.Add("weight", {2, 3}, ParameterGroup::kNew, Init::kNormal);
  parameters.Add("bias", {2}, ParameterGroup::kPretrained, Init::kZeros);
  parameters.Allocate();
  return parameters;
}

TEST(DenseParameters, LieEndToEndInOrderOfDeclaration) {
  const DenseParameters parameters = ThreeParameters(1);
  EXPECT_EQ(parameters.numel(), 11);
  EXPECT_EQ(parameters.parameters()[1].offset, 3);
  EXPECT_EQ(parameters.parameters()[2].offset, 9);
  EXPECT_EQ(parameters.parameters()[1].numel, 6);
  const auto* const flat = parameters.values().const_data_ptr<double>();
  const auto* const flat_gradient = parameters.gradients().const_data_ptr<double>();
  for (int i = 0; i < 3; ++i) {
    const int64_t offset = parameters.parameters()[static_cast<size_t>(i)].offset;
    EXPECT_EQ(parameters[i].const_data_ptr<double>(), flat + offset);
    EXPECT_EQ(parameters[i].grad().const_data_ptr<double>(), flat_gradient + offset);
    EXPECT_TRUE(parameters[i].is_leaf());
    EXPECT_TRUE(parameters[i].is_contiguous());
  }
}

TEST(DenseParameters, BackwardAccumulatesIntoTheFlatGradient) {
  DenseParameters parameters = ThreeParameters(1);
  const void* const before = parameters[1].grad().const_data_ptr();
  for (int pass = 0; pass < 2; ++pass) {
    (parameters[1] * 2 * at::ones({2, 3}, at::kDouble)).sum().backward();
    // A gradient that autograd may hand over whole (non-overlapping, of the same layout) must be copied as
    // well.
    parameters[0].sum().backward();
  }
  EXPECT_EQ(parameters[1].grad().const_data_ptr(), before);
  const at::Tensor expected = at::cat(
      {at::full({3}, 2.0, at::kDouble), at::full({6}, 4.0, at::kDouble), at::zeros({2}, at::kDouble)});
  EXPECT_EQ(LargestDifference(parameters.gradients(), expected), 0);
  parameters.ZeroGradients();
  EXPECT_EQ(parameters[1].grad().abs().sum().item<double>(), 0);
}

TEST(DenseParameters, ChangingTheFlatBufferChangesTheLeaves) {
  const DenseParameters parameters = ThreeParameters(1);
  parameters.values().fill_(7);
  EXPECT_EQ(parameters[1].sum().item<double>(), 42);
  EXPECT_TRUE(parameters[1].is_leaf());
}

TEST(DenseParameters, InitialValuesFollowFromSeedNameAndElement) {
  const DenseParameters parameters = ThreeParameters(1);
  EXPECT_EQ(parameters[0].sum().item<double>(), 3);
  EXPECT_EQ(parameters[2].abs().sum().item<double>(), 0);
  // The same parameter alone, declared first: its place in the buffer does not matter.
  DenseParameters alone(1, kInitStd, at::TensorOptions().dtype(at::kDouble));
  alone.Add("weight", {2, 3}, ParameterGroup::kPretrained, Init::kNormal);
  alone.Add("other", {2, 3}, ParameterGroup::kPretrained, Init::kNormal);
  alone.Allocate();
  EXPECT_EQ(LargestDifference(alone[0], parameters[1]), 0);
  EXPECT_GT(LargestDifference(alone[0], alone[1]), 1e-3);
  EXPECT_GT(LargestDifference(ThreeParameters(2)[1], parameters[1]), 1e-3);
  EXPECT_EQ(LargestDifference(ThreeParameters(1, at::kFloat).values(), parameters.values().to(at::kFloat)),
            0);
}

TEST(DenseParameters, NormalInitialValuesHaveTheAskedSpread) {
  DenseParameters parameters(3, kInitStd, at::TensorOptions().dtype(at::kDouble));
  parameters.Add("weight", {100, 100}, ParameterGroup::kNew, Init::kNormal);
  parameters.Allocate();
  // Of 10,000 values: mean within 5 sigma / 100, deviation within 5 sigma / (100 sqrt 2).
  EXPECT_NEAR(parameters[0].mean().item<double>(), 0, 5 * kInitStd / 100);
  EXPECT_NEAR(parameters[0].std().item<double>(), kInitStd, 5 * kInitStd / 141);
}

TEST(DenseParameters, FrozenGroupsTakeNoGradient) {
  DenseParameters parameters = ThreeParameters(1);
  parameters[0].sum().backward();
  parameters.Freeze(ParameterGroup::kPretrained);
  EXPECT_FALSE(parameters[0].requires_grad());
  EXPECT_FALSE(parameters.parameters()[2].trainable);
  EXPECT_TRUE(parameters.parameters()[1].trainable);
  (parameters[0] * parameters[1]).sum().backward();
  EXPECT_EQ(parameters.gradients().narrow(0, 0, 3).abs().sum().item<double>(), 0);
  EXPECT_EQ(parameters.gradients().narrow(0, 9, 2).abs().sum().item<double>(), 0);
  EXPECT_EQ(parameters[1].grad().sum().item<double>(), 6);
}

TEST(DenseParameters, RefusesMisuse) {
  DenseParameters parameters(1, kInitStd, at::TensorOptions().dtype(at::kDouble));
  parameters.Add("weight", {1}, ParameterGroup::kNew, Init::kOnes);
  EXPECT_THROW(parameters.Add("weight", {2}, ParameterGroup::kNew, Init::kOnes), BugError);
  EXPECT_THROW(parameters.Freeze(ParameterGroup::kNew), BugError);
  parameters.Allocate();
  EXPECT_THROW(parameters.Add("late", {2}, ParameterGroup::kNew, Init::kOnes), BugError);
  EXPECT_THROW(parameters.Allocate(), BugError);
}

}  // namespace
}  // namespace ppr::model
