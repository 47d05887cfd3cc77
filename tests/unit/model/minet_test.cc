// MiNet against its definition worked one user and one target at a time, against finite differences, and
// attention by hand.
#include "model/minet.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/errors.h"
#include "model/score_loss.h"
#include "support/gradient_check.h"
#include "unit/model/named_parameters.h"

namespace ppr::model {
namespace {

using test::LargestDifference;
using test::NormalTensor;
using test::NormalVariable;
using test::ParameterNamed;
using test::WeightedSum;
using testing::HasSubstr;
using testing::SizeIs;
using Domain = MinetModel::Domain;

constexpr int64_t kWidth = 3, kRows = 9;

struct SmallMinet {
  explicit SmallMinet(std::vector<int64_t> vocabulary = {3, 4}, int64_t width = kWidth,
                      MinetConfig config = {.attention_width = 4,
                                            .transfer_rank = 2,
                                            .hidden_widths = {5, 4}})
      : parameters(1, 0.5, at::TensorOptions().dtype(at::kDouble)),
        model(config, width, vocabulary, parameters) {
    parameters.Allocate();
    parameters.values().add_(NormalTensor({parameters.numel()}, 4) * 0.3);  // biases leave zero
  }
  at::Tensor Get(const std::string& name) const { return ParameterNamed(parameters, "minet." + name); }

  DenseParameters parameters;
  MinetModel model;
};

ClickLists Clicks(std::vector<int64_t> offsets, std::vector<int64_t> rows) {
  return {std::move(offsets), at::tensor(rows, at::kLong)};
}

// Three users: the first has clicks in both domains (row 1 twice), the second in the source alone, the third
// none.
MinetBatch ThreeUsers() {
  return {.codes = at::tensor({1, 2, 0, 3, 2, 0}, at::kLong).view({3, 2}),
          .rows = NormalVariable({kRows, kWidth}, 2),
          .target_clicks = Clicks({0, 3, 3, 3}, {0, 1, 1}),
          .source_clicks = Clicks({0, 1, 3, 3}, {5, 6, 7}),
          .targets = at::tensor({2, 3, 4, 2, 1, 0}, at::kLong).view({3, 2})};
}

at::Tensor SourceTargets() { return at::tensor({8, 5, 6, 6, 7, 8}, at::kLong).view({3, 2}); }

// v . ReLU(W z).
at::Tensor Attend(const SmallMinet& minet, const std::string& name, const at::Tensor& z) {
  return at::relu(z.matmul(minet.Get(name + ".weight"))).matmul(minet.Get(name + ".score"));
}

at::Tensor RunNetwork(const SmallMinet& minet, const std::string& name, at::Tensor values) {
  for (int layer = 0; layer < 3; ++layer) {
    if (layer > 0) values = at::relu(values);
    const std::string prefix = name + ".layer" + std::to_string(layer);
    values = values.matmul(minet.Get(prefix + ".weight")) + minet.Get(prefix + ".bias");
  }
  return values[0];
}

at::Tensor UserVector(const SmallMinet& minet, const at::Tensor& codes) {
  const at::Tensor profile = at::cat(
      {minet.Get("table.0")[codes[0].item<int64_t>()], minet.Get("table.1")[codes[1].item<int64_t>()]});
  return profile.matmul(minet.Get("user.weight")) + minet.Get("user.bias");
}

// The definition: one user's attention weights of one domain for one target [n], and the interest [d].
std::pair<at::Tensor, at::Tensor> AttendToClicks(const SmallMinet& minet, Domain domain,
                                                 const MinetBatch& batch, int64_t user,
                                                 const at::Tensor& target) {
  const bool is_target = domain == Domain::kTarget;
  const ClickLists& lists = is_target ? batch.target_clicks : batch.source_clicks;
  const at::Tensor user_vector = UserVector(minet, batch.codes[user]);
  std::vector<at::Tensor> scores, clicks;
  for (int64_t place = lists.offsets[static_cast<size_t>(user)];
       place < lists.offsets[static_cast<size_t>(user) + 1]; ++place) {
    const at::Tensor click = batch.rows[lists.rows[place].item<int64_t>()];
    const at::Tensor mapped =
        is_target ? click : click.matmul(minet.Get("transfer.left")).matmul(minet.Get("transfer.right"));
    scores.push_back(Attend(minet, is_target ? "target_clicks" : "source_clicks",
                            at::cat({click, target, user_vector, mapped * target})));
    clicks.push_back(click);
  }
  if (scores.empty()) return {at::empty({0}, at::kDouble), at::zeros({kWidth}, at::kDouble)};
  const at::Tensor weights = at::softmax(at::cat(scores), 0);
  return {weights, weights.matmul(at::stack(clicks))};
}

double ExpectedScore(const SmallMinet& minet, const MinetBatch& batch, int64_t user, int64_t column) {
  const at::Tensor target = batch.rows[batch.targets[user][column].item<int64_t>()];
  const at::Tensor user_vector = UserVector(minet, batch.codes[user]);
  const at::Tensor of_target = AttendToClicks(minet, Domain::kTarget, batch, user, target).second,
                   of_source = AttendToClicks(minet, Domain::kSource, batch, user, target).second;
  const at::Tensor z = at::cat({target, user_vector, of_target, of_source});
  const auto weighed = [&](const char* name, const at::Tensor& interest) {
    return at::exp(Attend(minet, name, z) + minet.Get(std::string(name) + ".bias")) * interest;
  };
  return RunNetwork(
             minet, "target_network",
             at::cat({target, weighed("user_importance", user_vector),
                      weighed("target_importance", of_target), weighed("source_importance", of_source)}))
      .item<double>();
}

TEST(Minet, ScoresEqualTheDefinition) {
  const SmallMinet minet;
  const MinetBatch batch = ThreeUsers();
  const at::Tensor scores = minet.model.Scores(batch),
                   source_scores = minet.model.SourceScores(batch, SourceTargets());
  ASSERT_EQ(scores.sizes().vec(), (std::vector<int64_t>{3, 2}));
  for (int64_t user = 0; user < 3; ++user) {
    for (int64_t column = 0; column < 2; ++column) {
      EXPECT_NEAR(scores[user][column].item<double>(), ExpectedScore(minet, batch, user, column), 1e-13);
      const at::Tensor item = batch.rows[SourceTargets()[user][column].item<int64_t>()];
      const at::Tensor expected =
          RunNetwork(minet, "source_network", at::cat({item, UserVector(minet, batch.codes[user])}));
      EXPECT_NEAR(source_scores[user][column].item<double>(), expected.item<double>(), 1e-13);
    }
  }
}

TEST(Minet, AttentionSumsToOneOverClicksAndIsZeroAtPadding) {
  const SmallMinet minet;
  const MinetBatch batch = ThreeUsers();
  for (const Domain domain : {Domain::kTarget, Domain::kSource}) {
    const ClickLists& lists = domain == Domain::kTarget ? batch.target_clicks : batch.source_clicks;
    const at::Tensor weights = minet.model.AttentionWeights(domain, batch);  // [B, L, C]
    for (int64_t user = 0; user < 3; ++user) {
      const int64_t count =
          lists.offsets[static_cast<size_t>(user) + 1] - lists.offsets[static_cast<size_t>(user)];
      const at::Tensor own = weights[user].narrow(0, 0, count),
                       padding = weights[user].narrow(0, count, weights.size(1) - count);
      EXPECT_EQ(padding.abs().sum().item<double>(), 0) << user;
      for (int64_t column = 0; column < 2; ++column) {
        const at::Tensor target = batch.rows[batch.targets[user][column].item<int64_t>()];
        EXPECT_NEAR(own.select(1, column).sum().item<double>(), count > 0 ? 1 : 0, 1e-14);
        EXPECT_LT(LargestDifference(own.select(1, column),
                                    AttendToClicks(minet, domain, batch, user, target).first),
                  1e-14);
      }
    }
  }
}

TEST(Minet, AttentionByHand) {
  // Width 1, one hidden unit; z = [click, target, user, click * target]. Clicks 1 and 2, target 3, user 0.5.
  const SmallMinet minet({2}, 1, {.attention_width = 1, .transfer_rank = 1, .hidden_widths = {}});
  const at::NoGradGuard no_gradients;
  minet.Get("table.0")[1].fill_(1);
  minet.Get("user.weight").fill_(0.5);
  minet.Get("user.bias").fill_(0);
  for (const char* const clicks : {"target_clicks", "source_clicks"}) {
    minet.Get(std::string(clicks) + ".weight")
        .copy_(at::tensor({1.0, -1.0, 4.0, 2.0}, at::kDouble).view({4, 1}));
    minet.Get(std::string(clicks) + ".score").fill_(0.25);
  }
  minet.Get("transfer.left").fill_(-3);
  minet.Get("transfer.right").fill_(0.5);  // source clicks count -1.5 times in the product
  const MinetBatch batch{.codes = at::ones({1, 1}, at::kLong),
                         .rows = at::tensor({1.0, 2.0, 3.0}, at::kDouble).view({3, 1}),
                         .target_clicks = Clicks({0, 2}, {0, 1}),
                         .source_clicks = Clicks({0, 2}, {0, 1}),
                         .targets = at::full({1, 1}, 2, at::kLong)};
  // Target: click - 3 + 2 + 6 click, a quarter of it: 1.5 and 3.25. Source: click - 1 - 9 click < 0: both 0.
  const at::Tensor target = minet.model.AttentionWeights(Domain::kTarget, batch).flatten(),
                   source = minet.model.AttentionWeights(Domain::kSource, batch).flatten();
  EXPECT_NEAR(target[0].item<double>(), 1 / (1 + std::exp(1.75)), 1e-15);
  EXPECT_NEAR(target[1].item<double>(), 1 / (1 + std::exp(-1.75)), 1e-15);
  EXPECT_NEAR(source[0].item<double>(), 0.5, 1e-15);
  // With the map turned round, 0.25 (click - 1 + 9 click): 2.25 and 4.75.
  minet.Get("transfer.left").fill_(3);
  const at::Tensor turned = minet.model.AttentionWeights(Domain::kSource, batch).flatten();
  EXPECT_NEAR(turned[0].item<double>(), 1 / (1 + std::exp(2.5)), 1e-15);
}

TEST(Minet, GradientsMatchDifferences) {
  const SmallMinet minet;
  const MinetBatch batch = ThreeUsers();
  std::vector<std::pair<std::string, at::Tensor>> variables = test::AllParameters(minet.parameters);
  variables.emplace_back("rows", batch.rows);
  test::ExpectGradientsMatchDifferences(
      [&] {
        return WeightedSum(minet.model.Scores(batch)) +
               WeightedSum(minet.model.SourceScores(batch, SourceTargets()), 78);
      },
      variables);
}

TEST(Minet, TheJointLossReachesEveryParameter) {
  const SmallMinet minet;
  const MinetBatch batch = ThreeUsers();
  (CandidateLossSum(NextItemLoss::kBce, minet.model.Scores(batch)) +
   CandidateLossSum(NextItemLoss::kBce, minet.model.SourceScores(batch, SourceTargets())))
      .backward();
  for (const auto& [name, parameter] : test::AllParameters(minet.parameters)) {
    EXPECT_GT(parameter.grad().abs().max().item<double>(), 0) << name;
  }
}

TEST(Minet, UsersWithoutClicksAreFiniteInBothDirections) {
  const SmallMinet minet;
  MinetBatch batch = ThreeUsers();
  batch.target_clicks = batch.source_clicks = Clicks({0, 0, 0, 0}, {});
  const at::Tensor scores = minet.model.Scores(batch);
  EXPECT_NEAR(scores[0][0].item<double>(), ExpectedScore(minet, batch, 0, 0), 1e-13);
  scores.sum().backward();
  EXPECT_TRUE(minet.parameters.gradients().isfinite().all().item<bool>());
  EXPECT_TRUE(batch.rows.grad().isfinite().all().item<bool>());
  EXPECT_EQ(minet.Get("target_clicks.weight").grad().abs().sum().item<double>(), 0);
}

TEST(Minet, UsersInAnotherOrderGetTheSameScores) {
  const SmallMinet minet;
  const MinetBatch batch = ThreeUsers();
  MinetBatch turned = batch;  // users 2, 0, 1
  const at::Tensor order = at::tensor({2, 0, 1}, at::kLong);
  turned.codes = batch.codes.index_select(0, order);
  turned.targets = batch.targets.index_select(0, order);
  turned.target_clicks = Clicks({0, 0, 3, 3}, {0, 1, 1});
  turned.source_clicks = Clicks({0, 0, 1, 3}, {5, 6, 7});
  EXPECT_LT(LargestDifference(minet.model.Scores(turned), minet.model.Scores(batch).index_select(0, order)),
            1e-14);
}

TEST(Minet, NoUsersAndNoProfileFieldsWork) {
  const SmallMinet minet;
  const MinetBatch none{.codes = at::empty({0, 2}, at::kLong),
                        .rows = at::empty({0, kWidth}, at::kDouble),
                        .target_clicks = Clicks({0}, {}),
                        .source_clicks = Clicks({0}, {}),
                        .targets = at::empty({0, 2}, at::kLong)};
  EXPECT_EQ(minet.model.Scores(none).sizes().vec(), (std::vector<int64_t>{0, 2}));
  const SmallMinet without_profiles(std::vector<int64_t>{});
  MinetBatch batch = ThreeUsers();
  batch.codes = at::empty({3, 0}, at::kLong);
  without_profiles.model.Scores(batch).sum().backward();
  EXPECT_GT(without_profiles.Get("user.bias").grad().abs().max().item<double>(), 0);
}

TEST(Minet, TheUserCountsMostAtFirst) {
  DenseParameters parameters(1, 0.01, at::TensorOptions().dtype(at::kDouble));
  const MinetModel model({}, kWidth, {3}, parameters);
  parameters.Allocate();
  EXPECT_EQ(ParameterNamed(parameters, "minet.user_importance.bias").item<double>(), 1);
  EXPECT_EQ(ParameterNamed(parameters, "minet.target_importance.bias").item<double>(), 0);
  EXPECT_EQ(ParameterNamed(parameters, "minet.source_importance.bias").item<double>(), 0);
}

TEST(Minet, WrongConfigurationsAndBatchesAreRefused) {
  const MinetConfig wrong{.attention_width = 0, .transfer_rank = -1, .hidden_widths = {0}};
  EXPECT_THAT(wrong.Problems(), SizeIs(3));
  EXPECT_THAT(wrong.Problems()[1], HasSubstr("transfer_rank: found -1"));
  EXPECT_THAT(MinetConfig().Problems(), SizeIs(0));
  const SmallMinet minet;
  MinetBatch batch = ThreeUsers();
  batch.source_clicks = Clicks({0, 3}, {5, 6, 7});
  EXPECT_THROW(minet.model.Scores(batch), BugError);
  EXPECT_THROW(minet.model.SourceScores(ThreeUsers(), at::zeros({2, 1}, at::kLong)), BugError);
  batch = ThreeUsers();
  batch.targets = at::zeros({2, 1}, at::kLong);
  EXPECT_THROW(minet.model.Scores(batch), BugError);
}

}  // namespace
}  // namespace ppr::model
