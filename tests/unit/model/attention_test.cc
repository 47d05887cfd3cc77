// The attention kernel against the dense oracle and finite differences, closed forms, what a token sees, and
// packing.
#include "model/attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <tuple>

#include "base/errors.h"
#include "support/gradient_check.h"
#include "unit/model/packed_batches.h"

namespace ppr::model {
namespace {

using test::LargestDifference;
using test::NormalTensor;
using test::NormalVariable;

// Around the kernel's blocks of 24 queries and vectors of 8 or 16 lanes; empty ones too.
const std::vector<int64_t> kLengths = {1, 2, 0, 5, 23, 24, 25, 49, 70, 3, 16, 17, 0};

constexpr auto kCausal = AttentionSpan::kCausal, kBidirectional = AttentionSpan::kBidirectional;

struct Case {
  int64_t width, heads;
  double dropout;
  AttentionSpan span;
};
void PrintTo(const Case& shape, std::ostream* out) {
  *out << "width " << shape.width << ", " << shape.heads << " heads, dropout " << shape.dropout
       << (shape.span == kCausal ? ", causal" : ", bidirectional");
}

class AttentionAgainstOracle : public testing::TestWithParam<Case> {};

TEST_P(AttentionAgainstOracle, ForwardAndBackwardAgree) {
  const auto [width, heads, dropout, span] = GetParam();
  const PackedLayout layout = MakeLayout(kLengths);
  const AttentionOptions options{heads, dropout, 11, span};
  std::vector<at::Tensor> outputs;
  std::vector<std::vector<at::Tensor>> gradients;
  for (const bool kernel : {true, false}) {
    const std::vector<at::Tensor> qkv = {NormalVariable({layout.num_tokens(), width}, 1),
                                         NormalVariable({layout.num_tokens(), width}, 2),
                                         NormalVariable({layout.num_tokens(), width}, 3)};
    outputs.push_back(kernel ? PackedAttention(qkv[0], qkv[1], qkv[2], layout, options)
                             : PackedAttentionReference(qkv[0], qkv[1], qkv[2], layout, options));
    gradients.push_back(torch::autograd::grad({test::WeightedSum(outputs.back())}, qkv));
  }
  // Sums of at most 70 terms of order 1 in another order: 70 * 2^-53 * a few.
  EXPECT_LT(LargestDifference(outputs[0], outputs[1]), 1e-12);
  for (size_t i = 0; i < 3; ++i) EXPECT_LT(LargestDifference(gradients[0][i], gradients[1][i]), 1e-12) << i;
}

INSTANTIATE_TEST_SUITE_P(Shapes, AttentionAgainstOracle,
                         testing::Values(Case{64, 1, 0, kCausal}, Case{64, 2, 0.2, kCausal},
                                         Case{12, 2, 0.5, kCausal}, Case{8, 4, 0.2, kCausal},
                                         Case{20, 1, 0.3, kCausal}, Case{3, 3, 0, kCausal},
                                         Case{64, 1, 0, kBidirectional}, Case{64, 2, 0.2, kBidirectional},
                                         Case{12, 2, 0.5, kBidirectional}, Case{8, 4, 0.2, kBidirectional},
                                         Case{20, 1, 0.3, kBidirectional}, Case{3, 3, 0, kBidirectional}));

class AttentionGradients : public testing::TestWithParam<Case> {};

TEST_P(AttentionGradients, MatchDifferences) {
  const auto [width, heads, dropout, span] = GetParam();
  const PackedLayout layout = MakeLayout({3, 0, 26, 1});  // one sequence of more than a block of queries
  const AttentionOptions options{heads, dropout, 11, span};
  const at::Tensor qkv = NormalVariable({30, 3 * width}, 1);
  test::ExpectGradientsMatchDifferences(
      [&] { return test::WeightedSum(PackedSelfAttention(qkv, layout, options)); }, {{"qkv", qkv}});
}

INSTANTIATE_TEST_SUITE_P(Shapes, AttentionGradients,
                         testing::Values(Case{4, 2, 0, kCausal}, Case{4, 2, 0.3, kCausal},
                                         Case{4, 2, 0, kBidirectional}, Case{4, 2, 0.3, kBidirectional}));

class AttentionOfSpan : public testing::TestWithParam<AttentionSpan> {};
INSTANTIATE_TEST_SUITE_P(Spans, AttentionOfSpan, testing::Values(kCausal, kBidirectional));

TEST_P(AttentionOfSpan, Float32KernelMatchesFloat64) {
  const PackedLayout layout = MakeLayout(kLengths);
  const at::Tensor qkv = NormalTensor({layout.num_tokens(), 3 * 64}, 1);
  const AttentionOptions options{2, 0.2, 3, GetParam()};
  // Scores of order 10 keep an error of 10 * 2^-24 each, which the exponential passes on.
  const at::Tensor scaled = qkv * 2;
  const at::Tensor wide = PackedSelfAttention(scaled, layout, options);
  const at::Tensor narrow = PackedSelfAttention(scaled.to(at::kFloat), layout, options);
  EXPECT_LT(LargestDifference(wide, narrow.to(at::kDouble)), 2e-5);

  const at::Tensor variable64 = qkv.clone().set_requires_grad(true);
  const at::Tensor variable32 = qkv.to(at::kFloat).set_requires_grad(true);
  const at::Tensor weights = NormalTensor({layout.num_tokens(), 64}, 5);
  const at::Tensor gradient64 = torch::autograd::grad(
      {(PackedSelfAttention(variable64, layout, options) * weights).sum()}, {variable64})[0];
  const at::Tensor gradient32 = torch::autograd::grad(
      {(PackedSelfAttention(variable32, layout, options) * weights.to(at::kFloat)).sum()}, {variable32})[0];
  EXPECT_LT(LargestDifference(gradient64, gradient32.to(at::kDouble)), 2e-5);
}

TEST(Attention, SurvivesScoresThatOverflowTheExponential) {
  const PackedLayout layout = MakeLayout({30});
  const at::Tensor value = NormalTensor({30, 16}, 3).to(at::kFloat);
  const at::Tensor rising = at::arange(30, at::kFloat).unsqueeze(1).expand({30, 16}) * 100;
  const at::Tensor output = PackedAttention(at::full({30, 16}, 50.0, at::kFloat), rising, value, layout, {});
  EXPECT_EQ(LargestDifference(output, value), 0);  // the newest token wins by exp(-20000)
}

TEST(Attention, EqualKeysGiveTheRunningMean) {
  const PackedLayout layout = MakeLayout({5, 40});
  const at::Tensor query = NormalTensor({45, 6}, 1), key = at::ones({45, 6}, at::kDouble),
                   value = NormalTensor({45, 6}, 3);
  const at::Tensor output = PackedAttention(query, key, value, layout, {.heads = 2});
  const auto running_mean = [](const at::Tensor& rows) {
    return rows.cumsum(0) / at::arange(1, rows.size(0) + 1, at::kDouble).unsqueeze(1);
  };
  const at::Tensor expected =
      at::cat({running_mean(value.narrow(0, 0, 5)), running_mean(value.narrow(0, 5, 40))});
  EXPECT_LT(LargestDifference(output, expected), 1e-14);  // 40 additions of order 1
}

TEST(Attention, EqualKeysGiveTheMeanOfTheSequenceInBothDirections) {
  const PackedLayout layout = MakeLayout({5, 40});
  const at::Tensor query = NormalTensor({45, 6}, 1), key = at::ones({45, 6}, at::kDouble),
                   value = NormalTensor({45, 6}, 3);
  const at::Tensor output = PackedAttention(query, key, value, layout, {.heads = 2, .span = kBidirectional});
  const at::Tensor expected = at::cat({value.narrow(0, 0, 5).mean(0, true).expand({5, 6}),
                                       value.narrow(0, 5, 40).mean(0, true).expand({40, 6})});
  EXPECT_LT(LargestDifference(output, expected), 1e-14);  // 40 additions of order 1
}

TEST(Attention, SeesBothDirectionsButNoOtherSequence) {
  const PackedLayout layout = MakeLayout({10, 30, 8});
  const at::Tensor qkv = NormalTensor({48, 3 * 8}, 1);
  const AttentionOptions options{.heads = 2, .span = kBidirectional};
  const at::Tensor before = PackedSelfAttention(qkv, layout, options);
  for (const int64_t token : {10L, 27L, 39L}) {
    at::Tensor changed = qkv.clone();
    changed[token].add_(1);
    const at::Tensor moved = (PackedSelfAttention(changed, layout, options) - before).abs().sum(1);  // [T]
    EXPECT_EQ(moved.narrow(0, 0, 10).sum().item<double>(), 0);
    EXPECT_EQ(moved.narrow(0, 40, 8).sum().item<double>(), 0);
    EXPECT_GT(moved.narrow(0, 10, 30).min().item<double>(), 0);
  }
}

TEST(Attention, SeesNoFutureAndNoOtherSequence) {
  const PackedLayout layout = MakeLayout({10, 30, 8});
  const at::Tensor qkv = NormalTensor({48, 3 * 8}, 1);
  const AttentionOptions options{2, 0.3, 3};
  const at::Tensor before = PackedSelfAttention(qkv, layout, options);
  for (const int64_t token : {10L, 27L, 39L}) {
    at::Tensor changed = qkv.clone();
    changed[token].add_(1);
    const at::Tensor moved = (PackedSelfAttention(changed, layout, options) - before).abs().sum(1);  // [T]
    EXPECT_EQ(moved.narrow(0, 0, token).sum().item<double>(), 0);
    EXPECT_EQ(moved.narrow(0, 40, 8).sum().item<double>(), 0);
    EXPECT_GT(moved[token].item<double>(), 0);
  }
}

TEST_P(AttentionOfSpan, PackingDoesNotShow) {
  const PackedLayout together = MakeLayout({7, 0, 33, 1}, 0, {0, 1, 2, 3});
  const PackedLayout apart = MakeLayout({33, 7}, 0, {2, 0});
  const at::Tensor qkv = NormalTensor({41, 3 * 16}, 1);
  const AttentionOptions options{2, 0.3, 3, GetParam()};
  const at::Tensor output = PackedSelfAttention(qkv, together, options);
  const at::Tensor other =
      PackedSelfAttention(at::cat({qkv.narrow(0, 7, 33), qkv.narrow(0, 0, 7)}), apart, options);
  EXPECT_EQ(LargestDifference(other, at::cat({output.narrow(0, 7, 33), output.narrow(0, 0, 7)})), 0);
}

TEST_P(AttentionOfSpan, ThreadsDoNotShow) {
  const PackedLayout layout = MakeLayout(std::vector<int64_t>(200, 9));
  std::vector<at::Tensor> outputs, gradients;
  const int threads_before = at::get_num_threads();
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    const at::Tensor qkv = NormalVariable({1800, 3 * 8}, 1);
    outputs.push_back(PackedSelfAttention(qkv, layout, {1, 0.2, 3, GetParam()}));
    gradients.push_back(torch::autograd::grad({test::WeightedSum(outputs.back())}, {qkv})[0]);
  }
  at::set_num_threads(threads_before);
  for (size_t i = 1; i < outputs.size(); ++i) {
    EXPECT_EQ(LargestDifference(outputs[0], outputs[i]), 0);
    EXPECT_EQ(LargestDifference(gradients[0], gradients[i]), 0);
  }
}

TEST_P(AttentionOfSpan, EmptyBatchesRunBothWays) {
  for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{}, std::vector<int64_t>{0, 0}}) {
    const PackedLayout layout = MakeLayout(lengths);
    const at::Tensor qkv = NormalVariable({0, 3 * 4}, 1);
    const at::Tensor output = PackedSelfAttention(qkv, layout, {1, 0.2, 3, GetParam()});
    EXPECT_EQ(output.sizes(), (std::vector<int64_t>{0, 4}));
    EXPECT_EQ(torch::autograd::grad({output.sum()}, {qkv})[0].sizes(), (std::vector<int64_t>{0, 12}));
    EXPECT_EQ(PackedAttentionReference(output, output, output, layout, {.span = GetParam()}).sizes(),
              (std::vector<int64_t>{0, 4}));
  }
}

TEST(Attention, RefusesWhatCannotWork) {
  PackedLayout layout = MakeLayout({4});
  const at::Tensor qkv = NormalTensor({4, 3 * 6}, 1);
  EXPECT_THROW(PackedSelfAttention(qkv, layout, {.heads = 4}), BugError);
  EXPECT_THROW(PackedSelfAttention(qkv, layout, {.dropout = 1.0}), BugError);
  EXPECT_THROW(PackedSelfAttention(qkv.narrow(0, 0, 3), layout, {}), BugError);
  layout.token_keys = at::Tensor();
  EXPECT_THROW(PackedSelfAttention(qkv, layout, {.dropout = 0.5}), BugError);
}

}  // namespace
}  // namespace ppr::model
