// The classifier of a profile value: a case worked by hand, and gradients against finite differences.
#include "model/profile_classifier.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/errors.h"
#include "support/gradient_check.h"
#include "unit/model/named_parameters.h"

namespace ppr::model {
namespace {

using test::LargestDifference;
using test::NormalTensor;
using test::NormalVariable;
using test::ParameterNamed;

constexpr int64_t kWidth = 3, kClasses = 4;

struct SmallClassifier {
  explicit SmallClassifier(int64_t width = kWidth, int64_t classes = kClasses)
      : parameters(1, 0.5, at::TensorOptions().dtype(at::kDouble)), model(width, classes, parameters) {
    parameters.Allocate();
  }

  DenseParameters parameters;
  ProfileClassifier model;
};

TEST(ProfileClassifier, IsALinearLayerAndSoftmaxByHand) {
  const SmallClassifier small(2, 3);
  ParameterNamed(small.parameters, "classifier.weight")
      .data()
      .copy_(at::tensor({1.0, 0.0, -1.0, 2.0, 1.0, 0.0}, at::kDouble).view({2, 3}));
  ParameterNamed(small.parameters, "classifier.bias").data().copy_(at::tensor({0.0, 1.0, 3.0}, at::kDouble));
  // Logits (1, 2) W + b = (1 + 4, 2 + 1, -1 + 3) = (5, 3, 2), and b alone for the zero user.
  const at::Tensor users = at::tensor({1.0, 2.0, 0.0, 0.0}, at::kDouble).view({2, 2});
  const double first = std::log(std::exp(5.0) + std::exp(3.0) + std::exp(2.0));
  const double second = std::log(1 + std::exp(1.0) + std::exp(3.0));
  const at::Tensor expected =
      at::tensor({5 - first, 3 - first, 2 - first, -second, 1 - second, 3 - second}, at::kDouble)
          .view({2, 3});
  EXPECT_LT(LargestDifference(small.model.LogProbabilities(users), expected), 1e-14);
  const at::Tensor loss = small.model.LossSum(users, at::tensor({0, 1}, at::kLong));
  EXPECT_NEAR(loss.item<double>(), (first - 5) + (second - 1), 1e-14) << "a sum, not a mean";
}

TEST(ProfileClassifier, GradientsMatchDifferences) {
  const SmallClassifier small;
  small.parameters.values().add_(NormalTensor({small.parameters.numel()}, 4));  // biases leave zero
  const at::Tensor users = NormalVariable({5, kWidth}, 2), labels = at::tensor({3, 0, 1, 1, 3}, at::kLong);
  std::vector<std::pair<std::string, at::Tensor>> variables = test::AllParameters(small.parameters);
  variables.emplace_back("users", users);
  EXPECT_EQ(variables.size(), 3u);
  test::ExpectGradientsMatchDifferences([&] { return small.model.LossSum(users, labels); }, variables);
}

TEST(ProfileClassifier, ItsParametersAreNewAndBiasesStartAtZero) {
  const SmallClassifier small;
  for (const DenseParameter& parameter : small.parameters.parameters())
    EXPECT_EQ(parameter.group, ParameterGroup::kNew);
  EXPECT_EQ(ParameterNamed(small.parameters, "classifier.bias").abs().sum().item<double>(), 0);
  EXPECT_GT(ParameterNamed(small.parameters, "classifier.weight").abs().min().item<double>(), 0);
  EXPECT_EQ(small.model.classes(), kClasses);
}

TEST(ProfileClassifier, NoUsersGiveZeroAndZeroGradients) {
  const SmallClassifier small;
  const at::Tensor users = at::empty({0, kWidth}, at::kDouble);
  EXPECT_EQ(small.model.LogProbabilities(users).sizes(), (std::vector<int64_t>{0, kClasses}));
  const at::Tensor loss = small.model.LossSum(users, at::empty({0}, at::kLong));
  EXPECT_EQ(loss.item<double>(), 0);
  loss.backward();
  EXPECT_EQ(small.parameters.gradients().abs().sum().item<double>(), 0);
}

TEST(ProfileClassifier, OneClassIsNothingToTellApart) {
  DenseParameters parameters(1, 0.5, at::TensorOptions().dtype(at::kDouble));
  EXPECT_THROW(ProfileClassifier(kWidth, 1, parameters), BugError);
}

}  // namespace
}  // namespace ppr::model
