// The prompt generator, the profile model, the projector and element masking.
#include "model/prompt.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/errors.h"
#include "support/gradient_check.h"
#include "unit/model/packed_batches.h"

namespace ppr::model {
namespace {

using test::LargestDifference;
using test::NormalTensor;
using test::NormalVariable;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr int64_t kWidth = 4;
const std::vector<int64_t> kVocabulary = {3, 5};

struct SmallPromptModel {
  explicit SmallPromptModel(const PromptConfig& config, std::vector<int64_t> vocabulary = kVocabulary)
      : parameters(1, 0.5, at::TensorOptions().dtype(at::kDouble)),
        model(config, kWidth, std::move(vocabulary), parameters) {
    parameters.Allocate();
    parameters.values().add_(NormalTensor({parameters.numel()}, 4) * 0.2);
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const DenseParameter& parameter : parameters.parameters()) names.push_back(parameter.name);
    return names;
  }
  at::Tensor Get(const std::string& name) const {
    for (size_t i = 0; i < parameters.parameters().size(); ++i) {
      if (parameters.parameters()[i].name == name) return parameters[static_cast<int>(i)];
    }
    ADD_FAILURE() << "no parameter " << name;
    return at::Tensor();
  }

  DenseParameters parameters;
  PromptModel model;
};

PromptConfig SmallConfig() {
  PromptConfig config;
  config.num_tokens = 2;
  config.hidden_width = 6;
  config.projector_width = 3;
  return config;
}

at::Tensor Codes() { return at::tensor({0L, 4L, 2L, 1L, 2L, 0L}, at::kLong).view({3, 2}); }

TEST(PromptModel, IsEquationThree) {
  const SmallPromptModel small(SmallConfig());
  const at::Tensor features = small.model.PromptFeatures(Codes());
  const at::Tensor expected_features =
      at::cat({small.Get("prompt.table.0").index_select(0, Codes().select(1, 0)),
               small.Get("prompt.table.1").index_select(0, Codes().select(1, 1))},
              1);
  EXPECT_EQ(LargestDifference(features, expected_features), 0);
  const at::Tensor hidden =
      (features.matmul(small.Get("prompt.layer1.weight")) + small.Get("prompt.layer1.bias")).clamp_min(0);
  const at::Tensor flat = hidden.matmul(small.Get("prompt.layer2.weight")) + small.Get("prompt.layer2.bias");
  const at::Tensor prompts = small.model.Prompts(features);
  EXPECT_EQ(prompts.sizes(), (std::vector<int64_t>{3, 2, kWidth}));
  EXPECT_LT(LargestDifference(prompts.view({3, 2 * kWidth}), flat), 1e-14);
}

TEST(PromptModel, GradientsMatchDifferences) {
  for (const bool shared : {false, true}) {
    PromptConfig config = SmallConfig();
    config.shared_tables = shared;
    const SmallPromptModel small(config);
    std::vector<std::pair<std::string, at::Tensor>> variables;
    for (const std::string& name : small.Names()) variables.emplace_back(name, small.Get(name));
    test::ExpectGradientsMatchDifferences(
        [&] {
          const at::Tensor features = small.model.PromptFeatures(Codes());
          const at::Tensor masked = PromptModel::MaskElements(features, at::arange(3), 0.3);
          const at::Tensor profile = small.model.ProfileVectors(Codes());
          return test::WeightedSum(small.model.Prompts(masked)) + test::WeightedSum(profile, 5) +
                 test::WeightedSum(small.model.Project(profile), 6);
        },
        variables);
  }
}

TEST(PromptModel, DeclaresItsParametersByConfiguration) {
  const SmallPromptModel full(SmallConfig());
  EXPECT_THAT(full.Names(),
              ElementsAre("prompt.table.0", "prompt.table.1", "prompt.layer1.weight", "prompt.layer1.bias",
                          "prompt.layer2.weight", "prompt.layer2.bias", "profile.table.0", "profile.table.1",
                          "profile.layer1.weight", "profile.layer1.bias", "profile.layer2.weight",
                          "profile.layer2.bias", "projector.layer1.weight", "projector.layer1.bias",
                          "projector.layer2.weight", "projector.layer2.bias"));
  for (const DenseParameter& parameter : full.parameters.parameters())
    EXPECT_EQ(parameter.group, ParameterGroup::kNew);
  EXPECT_THAT(full.model.tables(), ElementsAre(Pair(0, 0), Pair(1, 1), Pair(6, 0), Pair(7, 1)));

  PromptConfig config = SmallConfig();
  config.shared_tables = true;
  EXPECT_THAT(SmallPromptModel(config).model.tables(), ElementsAre(Pair(0, 0), Pair(1, 1)));
  config.num_tokens = 0;  // the profile model then has tables of its own
  EXPECT_EQ(SmallPromptModel(config).Names().front(), "profile.table.0");
  config.use_profile_model = false;
  config.projector_width = 0;
  EXPECT_THAT(SmallPromptModel(config).Names(), IsEmpty());
}

TEST(PromptModel, PartsThatAreSwitchedOffAddNothing) {
  PromptConfig config;
  config.num_tokens = 0;
  config.use_profile_model = false;
  const SmallPromptModel small(config);
  EXPECT_EQ(small.model.Prompts(small.model.PromptFeatures(Codes())).sizes(),
            (std::vector<int64_t>{3, 0, kWidth}));
  EXPECT_EQ(LargestDifference(small.model.ProfileVectors(Codes()), at::zeros({3, kWidth}, at::kDouble)), 0);
  const at::Tensor vectors = NormalTensor({3, kWidth}, 1);
  EXPECT_EQ(LargestDifference(small.model.Project(vectors), vectors), 0);
}

TEST(PromptModel, WithoutProfileFieldsThePromptIsShared) {
  const SmallPromptModel small(SmallConfig(), {});
  const at::Tensor prompts = small.model.Prompts(small.model.PromptFeatures(at::empty({3, 0}, at::kLong)));
  EXPECT_EQ(prompts.sizes(), (std::vector<int64_t>{3, 2, kWidth}));
  EXPECT_EQ(LargestDifference(prompts[0], prompts[2]), 0);
  EXPECT_GT(prompts.abs().sum().item<double>(), 0.01);
}

TEST(PromptModel, NoUsersGiveZeroGradients) {
  const SmallPromptModel small(SmallConfig());
  const at::Tensor codes = at::empty({0, 2}, at::kLong);
  const at::Tensor sum = small.model.Prompts(small.model.PromptFeatures(codes)).sum() +
                         small.model.Project(small.model.ProfileVectors(codes)).sum();
  sum.backward();
  EXPECT_EQ(small.parameters.gradients().abs().sum().item<double>(), 0);
}

TEST(PromptModel, RefusesCodesOutsideTheVocabulary) {
  const SmallPromptModel small(SmallConfig());
  EXPECT_THROW(small.model.PromptFeatures(at::tensor({3L, 0L}, at::kLong).view({1, 2})), BugError);
  EXPECT_THROW(small.model.PromptFeatures(at::tensor({-1L, 0L}, at::kLong).view({1, 2})), BugError);
  EXPECT_THROW(small.model.PromptFeatures(at::zeros({1, 3}, at::kLong)), BugError);
}

PromptConfig OfKind(PromptKind kind) {
  PromptConfig config = SmallConfig();
  config.kind = kind;
  if (kind == PromptKind::kUserVector) config.num_tokens = 1;
  return config;
}

TEST(PromptModel, SharedTokensAreTheSameForAllAndGetTheSumOfTheirGradients) {
  const SmallPromptModel small(OfKind(PromptKind::kShared));
  const at::Tensor tokens = small.Get("prompt.tokens");
  EXPECT_EQ(tokens.sizes(), (std::vector<int64_t>{2, kWidth}));
  const at::Tensor prompts = small.model.Prompts(small.model.PromptFeatures(Codes()));
  EXPECT_EQ(prompts.sizes(), (std::vector<int64_t>{3, 2, kWidth}));
  for (int64_t user = 0; user < 3; ++user) EXPECT_EQ(LargestDifference(prompts[user], tokens), 0);
  const at::Tensor weights = NormalTensor({3, 2, kWidth}, 8);
  (prompts * weights).sum().backward();
  // Sums of three numbers of order 1.
  EXPECT_LT(LargestDifference(tokens.grad(), weights.sum(0)), 1e-15);
}

TEST(PromptModel, SharedTokensReadNoProfileAndHaveNoGenerator) {
  const SmallPromptModel small(OfKind(PromptKind::kShared));
  EXPECT_EQ(small.Names().front(), "prompt.tokens");
  for (const std::string& name : small.Names()) EXPECT_EQ(name.find("prompt.table"), std::string::npos);
  EXPECT_THAT(small.model.tables(), ElementsAre(Pair(1, 0), Pair(2, 1))) << "those of the profile model";
  EXPECT_EQ(small.model.PromptFeatures(Codes()).sizes(), (std::vector<int64_t>{3, 0}));
  // Tables to share are there only where a generator reads them.
  PromptConfig shared_tables = OfKind(PromptKind::kShared);
  shared_tables.shared_tables = true;
  EXPECT_EQ(SmallPromptModel(shared_tables).Names(), small.Names());
}

TEST(PromptModel, UserVectorsPassThroughAsTheyAre) {
  const SmallPromptModel small(OfKind(PromptKind::kUserVector));
  const at::Tensor vectors = NormalVariable({3, kWidth}, 2);
  const at::Tensor prompts = small.model.Prompts(small.model.PromptFeatures(Codes(), vectors));
  EXPECT_EQ(prompts.sizes(), (std::vector<int64_t>{3, 1, kWidth}));
  EXPECT_EQ(LargestDifference(prompts.view({3, kWidth}), vectors), 0);
  test::WeightedSum(prompts).backward();
  EXPECT_GT(vectors.grad().abs().min().item<double>(), 0);
  EXPECT_EQ(small.parameters.gradients().abs().sum().item<double>(), 0);
  for (const std::string& name : small.Names()) EXPECT_NE(name.substr(0, 6), "prompt");
  EXPECT_THROW(small.model.PromptFeatures(Codes()), BugError) << "none";
  EXPECT_THROW(small.model.PromptFeatures(Codes(), NormalTensor({2, kWidth}, 2)), BugError) << "of two users";
  EXPECT_THROW(small.model.PromptFeatures(Codes(), NormalTensor({3, 2}, 2)), BugError) << "of another width";
}

TEST(PromptModel, TheProfileModelReadsUserVectorsBesideProfiles) {
  PromptConfig config = OfKind(PromptKind::kUserVector);
  config.user_vectors = true;
  const SmallPromptModel small(config);
  EXPECT_EQ(small.Get("profile.layer1.weight").sizes(), (std::vector<int64_t>{3 * kWidth, 6}));
  const at::Tensor vectors = NormalVariable({3, kWidth}, 2);
  std::vector<std::pair<std::string, at::Tensor>> variables = {{"vectors", vectors}};
  for (const std::string& name : small.Names()) {
    if (name.starts_with("profile")) variables.emplace_back(name, small.Get(name));
  }
  test::ExpectGradientsMatchDifferences(
      [&] { return test::WeightedSum(small.model.ProfileVectors(Codes(), vectors)); }, variables);
  const at::Tensor input =
      at::cat({small.Get("profile.table.0").index_select(0, Codes().select(1, 0)),
               small.Get("profile.table.1").index_select(0, Codes().select(1, 1)), vectors},
              1);
  const at::Tensor hidden =
      (input.matmul(small.Get("profile.layer1.weight")) + small.Get("profile.layer1.bias")).clamp_min(0);
  EXPECT_LT(
      LargestDifference(small.model.ProfileVectors(Codes(), vectors),
                        hidden.matmul(small.Get("profile.layer2.weight")) + small.Get("profile.layer2.bias")),
      1e-14);
  EXPECT_THROW(small.model.ProfileVectors(Codes()), BugError);
}

TEST(PromptModel, EveryKindTakesNoUsers) {
  const at::Tensor codes = at::empty({0, 2}, at::kLong), vectors = at::empty({0, kWidth}, at::kDouble);
  for (const PromptKind kind : {PromptKind::kPersonal, PromptKind::kShared, PromptKind::kUserVector}) {
    PromptConfig config = OfKind(kind);
    config.user_vectors = true;
    const SmallPromptModel small(config);
    const at::Tensor prompts = small.model.Prompts(small.model.PromptFeatures(codes, vectors));
    EXPECT_EQ(prompts.sizes(), (std::vector<int64_t>{0, config.num_tokens, kWidth}));
    (prompts.sum() + small.model.ProfileVectors(codes, vectors).sum()).backward();
    EXPECT_EQ(small.parameters.gradients().abs().sum().item<double>(), 0);
  }
}

TEST(MaskElements, ZeroesTheAskedShareAndLeavesTheRest) {
  const at::Tensor keys = MakeLayout({1000}).token_keys, features = NormalTensor({1000, 50}, 1);
  const at::Tensor masked = PromptModel::MaskElements(features, keys, 0.2);
  const at::Tensor zeroed = masked.eq(0);
  EXPECT_NEAR(zeroed.to(at::kDouble).mean().item<double>(), 0.2, 5 * std::sqrt(0.16 / 5e4) + 1.0 / 65536);
  EXPECT_EQ(LargestDifference(masked, features.masked_fill(zeroed, 0)), 0);  // no rescaling
  EXPECT_EQ(LargestDifference(PromptModel::MaskElements(features, keys, 0), features), 0);
  EXPECT_EQ(PromptModel::MaskElements(features, keys, 1).abs().sum().item<double>(), 0);
  const at::Tensor order = at::randperm(1000, at::kLong);
  EXPECT_EQ(LargestDifference(
                PromptModel::MaskElements(features.index_select(0, order), keys.index_select(0, order), 0.2),
                masked.index_select(0, order)),
            0);
}

TEST(PromptConfig, NamesEveryProblem) {
  EXPECT_THAT(PromptConfig().Problems(), IsEmpty());
  PromptConfig config;
  config.num_tokens = -1;
  config.hidden_width = 0;
  config.projector_width = -2;
  EXPECT_THAT(config.Problems(), ElementsAre(HasSubstr("prompt_tokens: expected at least 0, found -1"),
                                             HasSubstr("prompt_hidden_width: expected at least 1, found 0"),
                                             HasSubstr("projector_width: expected at least 0, found -2")));
  config = {.kind = PromptKind::kUserVector, .num_tokens = 2};
  EXPECT_THAT(config.Problems(),
              ElementsAre(HasSubstr("prompt_tokens: expected 1: a user's vector is one token, found 2")));
}

}  // namespace
}  // namespace ppr::model
