// MeLU: the local step and the first-order meta-gradient against finite differences of a model that does not
// adapt, and against a case worked by hand.
#include "model/melu.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/errors.h"
#include "support/gradient_check.h"
#include "unit/model/named_parameters.h"

namespace ppr::model {
namespace {

using test::LargestDifference;
using test::NormalTensor;
using test::NormalVariable;
using test::ParameterNamed;
using testing::HasSubstr;
using testing::SizeIs;

constexpr int64_t kWidth = 3, kRows = 8;
const std::vector<int64_t> kVocabulary = {3, 4};

struct SmallMelu {
  explicit SmallMelu(const MeluConfig& config, std::vector<int64_t> vocabulary = kVocabulary)
      : parameters(1, 0.6, at::TensorOptions().dtype(at::kDouble)),
        model(config, kWidth, vocabulary, parameters) {
    parameters.Allocate();
    parameters.values().add_(NormalTensor({parameters.numel()}, 4) * 0.3);  // biases leave zero
  }

  DenseParameters parameters;
  MeluModel model;
};

MeluConfig SmallConfig(NextItemLoss loss = NextItemLoss::kBpr, int64_t steps = 1) {
  return {.hidden_widths = {5, 4}, .local_steps = steps, .local_rate = 0.4, .loss = loss};
}

ClickPairs Pairs(std::vector<int64_t> offsets, std::vector<int64_t> clicked, std::vector<int64_t> negatives) {
  return {std::move(offsets), at::tensor(clicked, at::kLong), at::tensor(negatives, at::kLong)};
}

// One user with three support pairs (row 2 twice) and two query pairs, one of a row in the support.
MeluBatch OneUser() {
  return {.codes = at::tensor({1, 2}, at::kLong).view({1, 2}),
          .rows = NormalVariable({kRows, kWidth}, 2),
          .support = Pairs({0, 3}, {0, 2, 2}, {5, 6, 7}),
          .query = Pairs({0, 2}, {3, 2}, {4, 1})};
}

// Three users; the second has no support.
MeluBatch ThreeUsers() {
  return {.codes = at::tensor({1, 2, 0, 3, 2, 0}, at::kLong).view({3, 2}),
          .rows = NormalVariable({kRows, kWidth}, 2),
          .support = Pairs({0, 3, 3, 4}, {0, 2, 2, 1}, {5, 6, 7, 4}),
          .query = Pairs({0, 1, 2, 5}, {3, 2, 4, 5, 6}, {4, 1, 0, 7, 7})};
}

// The batch of user b alone.
MeluBatch UserAlone(const MeluBatch& batch, int64_t b) {
  const auto part = [&](const ClickPairs& pairs) {
    const int64_t first = pairs.offsets[static_cast<size_t>(b)];
    const int64_t count = pairs.offsets[static_cast<size_t>(b) + 1] - first;
    return ClickPairs{
        {0, count}, pairs.clicked.narrow(0, first, count), pairs.negatives.narrow(0, first, count)};
  };
  return {batch.codes.narrow(0, b, 1), batch.rows, part(batch.support), part(batch.query)};
}

bool IsDecisionLayer(const std::string& name) { return name.starts_with("melu.layer"); }

// Central differences of a loss by every element of a tensor; errors as in gradient_check.h.
at::Tensor Differences(const std::function<double()>& loss, const at::Tensor& variable) {
  constexpr double kStep = 1e-5;
  const at::NoGradGuard no_gradients;
  at::Tensor result = at::empty(variable.sizes(), at::kDouble);
  double* const values = variable.data_ptr<double>();
  for (int64_t e = 0; e < variable.numel(); ++e) {
    const double before = values[e];
    values[e] = before + kStep;
    const double above = loss();
    values[e] = before - kStep;
    const double below = loss();
    values[e] = before;
    result.view(-1)[e] = (above - below) / (2 * kStep);
  }
  return result;
}

// Moves the decision layers of a model that does not adapt (local_steps = 0) to where `steps` gradient steps
// on one user's mean support loss take them, by differences alone.
void AdaptByDifferences(SmallMelu& plain, const MeluBatch& batch, int64_t steps, double rate) {
  MeluBatch on_support = batch;
  on_support.query = batch.support;
  const auto num_pairs = static_cast<double>(batch.support.clicked.numel());
  for (int64_t step = 0; step < steps && num_pairs > 0; ++step) {
    std::vector<std::pair<at::Tensor, at::Tensor>> moves;
    for (const auto& [name, variable] : test::AllParameters(plain.parameters)) {
      if (!IsDecisionLayer(name)) continue;
      moves.emplace_back(
          variable,
          Differences([&] { return plain.model.QueryLossSum(on_support).item<double>() / num_pairs; },
                      variable));
    }
    const at::NoGradGuard no_gradients;
    for (auto& [variable, gradient] : moves) variable.sub_(gradient, rate);
  }
}

TEST(Melu, LocalStepsFollowDifferencesOfTheSupportLoss) {
  const at::Tensor candidates = at::arange(kRows, at::kLong).unsqueeze(0);
  for (const NextItemLoss loss : {NextItemLoss::kBpr, NextItemLoss::kBce}) {
    for (const int64_t steps : {1, 3}) {
      const SmallMelu adapting(SmallConfig(loss, steps));
      SmallMelu plain(SmallConfig(loss, 0));
      const MeluBatch batch = OneUser();
      const at::Tensor before = plain.model.Scores(batch, candidates);
      AdaptByDifferences(plain, batch, steps, adapting.model.config().local_rate);
      const at::Tensor expected = plain.model.Scores(batch, candidates);
      EXPECT_GT(LargestDifference(before, expected), 0.05);
      // Differences are exact to about 1e-9 (gradient_check.h), and scores are of order 1.
      EXPECT_LT(LargestDifference(adapting.model.Scores(batch, candidates), expected), 1e-8) << steps;
    }
  }
}

TEST(Melu, TheMetaGradientIsThatOfTheQueryLossAtTheAdaptedLayers) {
  const SmallMelu adapting(SmallConfig());
  const MeluBatch batch = ThreeUsers();
  std::vector<at::Tensor> variables{batch.rows};
  for (const auto& [name, variable] : test::AllParameters(adapting.parameters)) variables.push_back(variable);
  const at::Tensor loss = adapting.model.QueryLossSum(batch);
  const std::vector<at::Tensor> gradients = torch::autograd::grad({loss}, variables);

  // Users add up, each at layers of its own: a model for each that was moved there and adapts no more.
  double expected_loss = 0;
  std::vector<at::Tensor> expected;
  for (const at::Tensor& variable : variables) expected.push_back(at::zeros(variable.sizes(), at::kDouble));
  for (int64_t user = 0; user < 3; ++user) {
    SmallMelu plain(SmallConfig(NextItemLoss::kBpr, 0));
    const MeluBatch alone = UserAlone(batch, user);
    AdaptByDifferences(plain, alone, 1, adapting.model.config().local_rate);
    const auto query_loss = [&] { return plain.model.QueryLossSum(alone).item<double>(); };
    expected_loss += query_loss();
    expected[0] += Differences(query_loss, alone.rows);
    size_t place = 1;
    for (const auto& [name, variable] : test::AllParameters(plain.parameters)) {
      expected[place++] += Differences(query_loss, variable);
    }
  }
  EXPECT_NEAR(loss.item<double>(), expected_loss, 1e-8);
  for (size_t i = 0; i < variables.size(); ++i) {
    EXPECT_LT(LargestDifference(gradients[i], expected[i]), 1e-7) << "variable " << i;
  }
}

// One linear layer, score = w_item . item + w_profile . profile + bias, and one support pair (0, 1).
struct LinearCase {
  explicit LinearCase(NextItemLoss loss)
      : melu({.hidden_widths = {}, .local_steps = 1, .local_rate = 0.5, .loss = loss}, {2}),
        weight(ParameterNamed(melu.parameters, "melu.layer0.weight").detach().squeeze(1)),
        bias(ParameterNamed(melu.parameters, "melu.layer0.bias").detach()),
        profile(ParameterNamed(melu.parameters, "melu.table.0").detach()[1]),
        batch{.codes = at::ones({1, 1}, at::kLong),
              .rows = NormalTensor({3, kWidth}, 2),
              .support = Pairs({0, 1}, {0}, {1}),
              .query = Pairs({0, 0}, {}, {})} {}

  at::Tensor Input(int64_t row) const { return at::cat({batch.rows[row], profile}); }
  at::Tensor Score(int64_t row) const { return weight.dot(Input(row)) + bias; }
  double AdaptedScore(int64_t row) const {
    return melu.model.Scores(batch, at::full({1, 1}, row, at::kLong)).item<double>();
  }

  SmallMelu melu;
  at::Tensor weight, bias, profile;
  MeluBatch batch;
};

TEST(Melu, OneLinearLayerByHandWithBpr) {
  const LinearCase c(NextItemLoss::kBpr);
  // Profile and bias cancel in a pair's difference: only the item's weights move.
  const at::Tensor pull = 0.5 * at::sigmoid(c.Score(1) - c.Score(0));
  const at::Tensor moved = c.weight + pull * (c.Input(0) - c.Input(1));
  for (int64_t row = 0; row < 3; ++row) {
    EXPECT_NEAR(c.AdaptedScore(row), (moved.dot(c.Input(row)) + c.bias).item<double>(), 1e-14);
  }
}

TEST(Melu, OneLinearLayerByHandWithBce) {
  const LinearCase c(NextItemLoss::kBce);
  const at::Tensor up = 0.5 * at::sigmoid(-c.Score(0)), down = 0.5 * at::sigmoid(c.Score(1));
  const at::Tensor moved = c.weight + up * c.Input(0) - down * c.Input(1);
  for (int64_t row = 0; row < 3; ++row) {
    EXPECT_NEAR(c.AdaptedScore(row), (moved.dot(c.Input(row)) + c.bias + up - down).item<double>(), 1e-14);
  }
}

TEST(Melu, AUserWithoutSupportIsScoredByTheGlobalLayers) {
  const SmallMelu adapting(SmallConfig()), plain(SmallConfig(NextItemLoss::kBpr, 0));
  const MeluBatch batch = ThreeUsers();
  const at::Tensor candidates = at::arange(kRows, at::kLong).expand({3, -1});
  const at::Tensor adapted = adapting.model.Scores(batch, candidates),
                   global = plain.model.Scores(batch, candidates);
  EXPECT_LT(LargestDifference(adapted[1], global[1]), 1e-15);
  EXPECT_GT(LargestDifference(adapted[0], global[0]), 1e-2);
  EXPECT_GT(LargestDifference(adapted[2], global[2]), 1e-2);
}

TEST(Melu, ScoresDoNotDependOnWhoElseIsInTheBatch) {
  const SmallMelu melu(SmallConfig());
  const MeluBatch batch = ThreeUsers();
  const at::Tensor candidates = at::arange(3 * kRows, at::kLong).remainder(5).view({3, kRows});
  const at::Tensor together = melu.model.Scores(batch, candidates);
  EXPECT_FALSE(together.requires_grad());
  for (int64_t user = 0; user < 3; ++user) {
    const at::Tensor alone = melu.model.Scores(UserAlone(batch, user), candidates.narrow(0, user, 1));
    // Products over a batch of another shape may add in another order.
    EXPECT_LT(LargestDifference(alone, together.narrow(0, user, 1)), 1e-14) << user;
  }
}

TEST(Melu, ScoringLeavesParametersAndGradientsAlone) {
  const SmallMelu melu(SmallConfig());
  const at::Tensor before = melu.parameters.values().clone();
  melu.model.Scores(ThreeUsers(), at::zeros({3, 1}, at::kLong));
  EXPECT_TRUE(melu.parameters.values().equal(before));
  EXPECT_EQ(melu.parameters.gradients().abs().sum().item<double>(), 0);
}

TEST(Melu, WithoutUsersTheLossIsZeroAndHasAGradient) {
  const SmallMelu melu(SmallConfig());
  const MeluBatch none{.codes = at::empty({0, 2}, at::kLong),
                       .rows = NormalVariable({0, kWidth}, 2),
                       .support = Pairs({0}, {}, {}),
                       .query = Pairs({0}, {}, {})};
  const at::Tensor loss = melu.model.QueryLossSum(none);
  EXPECT_EQ(loss.item<double>(), 0);
  loss.backward();
  EXPECT_EQ(melu.parameters.gradients().abs().sum().item<double>(), 0);
}

TEST(Melu, WithoutProfilesItemsAloneDecide) {
  const SmallMelu melu(SmallConfig(), {});
  MeluBatch batch = OneUser();
  batch.codes = at::empty({1, 0}, at::kLong);
  const at::Tensor loss = melu.model.QueryLossSum(batch);
  EXPECT_GT(torch::autograd::grad({loss}, {batch.rows})[0].abs().max().item<double>(), 1e-3);
}

TEST(Melu, WrongConfigurationsAndBatchesAreRefused) {
  const MeluConfig wrong{.hidden_widths = {4, 0}, .local_steps = -1, .local_rate = NAN};
  EXPECT_THAT(wrong.Problems(), SizeIs(3));
  EXPECT_THAT(wrong.Problems()[1], HasSubstr("local_steps: found -1"));
  EXPECT_THAT(SmallConfig().Problems(), SizeIs(0));
  const SmallMelu melu(SmallConfig());
  MeluBatch batch = ThreeUsers();
  batch.support = OneUser().support;
  EXPECT_THROW(melu.model.QueryLossSum(batch), BugError);
  EXPECT_THROW(melu.model.Scores(ThreeUsers(), at::zeros({2, 1}, at::kLong)), BugError);
}

}  // namespace
}  // namespace ppr::model
