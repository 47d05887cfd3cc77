// The fused encoder against float64 autograd through the reference encoder, with the same dropout masks:
// every gradient, every variant, both instruction sets.
#include "model/fused/fused_encoder.h"
#include "model/losses.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "support/gradient_check.h"
#include "unit/model/packed_batches.h"

namespace ppr::model {
namespace {

using test::NormalTensor;

// Rounding of float32 through two blocks, relative to the whole tensor (its L2 norm): plain ATen in float32
// has 1.6e-7 to 2.8e-7 of it.
constexpr double kRelative = 1e-6;

struct Variant {
  const char* name;
  EncoderConfig config;
};

std::vector<Variant> Variants() {
  EncoderConfig base;
  base.max_history = 60;
  base.dropout = 0.2;
  std::vector<Variant> all = {{"pre_64", base}};
  const auto add = [&](const char* name, auto change) {
    EncoderConfig config = base;
    change(config);
    all.push_back({name, config});
  };
  add("heads_2", [](EncoderConfig& c) { c.heads = 2; });
  add("heads_8_of_8", [](EncoderConfig& c) { c.heads = 8; });
  add("width_32_heads_8", [](EncoderConfig& c) { c.width = 32, c.heads = 8, c.ffn_width = 128; });
  add("width_48_heads_3", [](EncoderConfig& c) { c.width = 48, c.heads = 3, c.ffn_width = 16; });
  add("width_80_heads_4",
      [](EncoderConfig& c) { c.width = 80, c.heads = 4, c.ffn_width = 320, c.blocks = 1; });
  add("width_256", [](EncoderConfig& c) { c.width = 256, c.ffn_width = 1024, c.heads = 8, c.blocks = 1; });
  add("gelu", [](EncoderConfig& c) { c.activation = Activation::kGelu; });
  add("no_dropout", [](EncoderConfig& c) { c.dropout = 0; });
  add("residual_from_norm", [](EncoderConfig& c) { c.residual_from_norm = true, c.scale_embedding = true; });
  add("no_projection", [](EncoderConfig& c) { c.output_projection = false, c.final_norm = false; });
  add("no_projection_no_dropout", [](EncoderConfig& c) {
    c.output_projection = false, c.final_norm = false, c.dropout = 0, c.heads = 4;
  });
  add("post", [](EncoderConfig& c) { c.norm = Norm::kPost, c.final_norm = false; });
  add("post_paper", [](EncoderConfig& c) {
    c.norm = Norm::kPost, c.final_norm = false, c.output_projection = false, c.blocks = 1;
  });
  add("post_s3", [](EncoderConfig& c) {
    c.norm = Norm::kPost, c.embedding_norm = true, c.heads = 2, c.activation = Activation::kGelu;
    c.scale_embedding = true;
  });
  return all;
}

// The same encoder twice: float32 for the fused kernels, float64 for autograd.
struct Twins {
  Twins(const EncoderConfig& config, fused::InstructionSet set)
      : narrow(3, InitStd(config), at::TensorOptions().dtype(at::kFloat)),
        wide(3, InitStd(config), at::TensorOptions().dtype(at::kDouble)),
        narrow_encoder(config, narrow),
        wide_encoder(config, wide) {
    narrow.Allocate();
    wide.Allocate();
    // Off the special initial values, so that no gain of 1 or bias of 0 hides a mistake.
    narrow.values().add_((NormalTensor({narrow.numel()}, 4) * 0.05).to(at::kFloat));
    wide.values().copy_(narrow.values());
    fused = std::make_unique<FusedEncoder>(narrow_encoder, narrow, fused::KernelsFor(set));
  }

  // Activations of one size at any width.
  static double InitStd(const EncoderConfig& config) {
    return 0.8 / std::sqrt(static_cast<double>(config.width));
  }

  // The relative error of every parameter's gradient.
  void ExpectSameGradients() const {
    for (size_t i = 0; i < wide.parameters().size(); ++i) {
      const at::Tensor expected = wide[static_cast<int>(i)].grad();
      const at::Tensor found = narrow[static_cast<int>(i)].grad().to(at::kDouble);
      const double error = (found - expected).norm().item<double>() / expected.norm().item<double>();
      EXPECT_LT(error, kRelative) << wide.parameters()[i].name;
    }
  }

  DenseParameters narrow, wide;
  Encoder narrow_encoder, wide_encoder;
  std::unique_ptr<FusedEncoder> fused;
};

double RelativeError(const at::Tensor& found, const at::Tensor& expected) {
  return (found.to(at::kDouble) - expected).norm().item<double>() / expected.norm().item<double>();
}

// Lengths around the sizes of tiles, vectors and chunks; empty sequences; two prompt tokens before each.
PackedLayout Layout(int64_t prompts) {
  const std::vector<int64_t> clicks = {0, 1, 5, 6, 7, 11, 12, 13, 15, 16, 17, 31, 0, 33, 47, 48, 50, 2, 3, 4};
  std::vector<int64_t> lengths;
  for (const int64_t n : clicks) lengths.push_back(n == 0 && prompts == 0 ? 0 : n + prompts);
  return MakeLayout(lengths, prompts);
}

std::vector<const float*> RowPointers(const at::Tensor& rows) {
  std::vector<const float*> pointers;
  for (int64_t t = 0; t < rows.size(0); ++t)
    pointers.push_back(rows.const_data_ptr<float>() + t * rows.size(1));
  return pointers;
}

class FusedEncoderTest : public testing::TestWithParam<fused::InstructionSet> {
 protected:
  void SetUp() override {
    if (fused::KernelsFor(GetParam()) == nullptr)
      GTEST_SKIP() << "SKIPPED: this processor lacks the instruction set";
    threads_ = at::get_num_threads();
    at::set_num_threads(2);
  }
  void TearDown() override {
    if (threads_ > 0) at::set_num_threads(threads_);
  }
  int threads_ = 0;
};

TEST_P(FusedEncoderTest, TwoPassesMatchFloat64Autograd) {
  for (const Variant& variant : Variants()) {
    SCOPED_TRACE(variant.name);
    const Twins twins(variant.config, GetParam());
    const PackedLayout layout = Layout(2);
    const int64_t tokens = layout.num_tokens(), d = variant.config.width;
    at::Tensor inputs = (NormalTensor({tokens, d}, 7)).to(at::kFloat).set_requires_grad(true);
    at::Tensor wide_inputs = inputs.detach().to(at::kDouble).set_requires_grad(true);
    const at::Tensor direction = NormalTensor({tokens, d}, 8);
    const DropoutState dropout{.active = variant.config.dropout > 0};

    const at::Tensor expected = twins.wide_encoder.Forward(wide_inputs, layout, dropout);
    const at::Tensor found = twins.fused->Forward(inputs, layout, dropout);
    EXPECT_LT(RelativeError(found.detach(), expected.detach()), kRelative);
    (expected * direction).sum().backward();
    (found * direction.to(at::kFloat)).sum().backward();
    EXPECT_LT(RelativeError(inputs.grad(), wide_inputs.grad()), kRelative);
    twins.ExpectSameGradients();
  }
}

TEST_P(FusedEncoderTest, LastTokensAreThoseOfTheWholePass) {
  const c10::NoGradGuard no_gradients;
  for (const Variant& variant : Variants()) {
    SCOPED_TRACE(variant.name);
    const Twins twins(variant.config, GetParam());
    const PackedLayout layout = Layout(0);
    const at::Tensor inputs = NormalTensor({layout.num_tokens(), variant.config.width}, 7).to(at::kFloat);
    const at::Tensor all = twins.wide_encoder.Forward(inputs.to(at::kDouble), layout, {.active = false});
    const at::Tensor last = twins.fused->ForwardLast(RowPointers(inputs), layout);
    for (int64_t b = 0; b < layout.num_sequences(); ++b) {
      const int64_t begin = layout.offsets[static_cast<size_t>(b)],
                    end = layout.offsets[static_cast<size_t>(b) + 1];
      if (begin == end) {
        EXPECT_TRUE(last[b].eq(0).all().item<bool>());
      } else {
        EXPECT_LT(RelativeError(last[b], all[end - 1]), kRelative) << "sequence of " << end - begin;
      }
    }
  }
}

// A next-item batch with everything in it: prompts, profiles, targets without a read-out.
struct NextItemCase {
  NextItemCase(const EncoderConfig& config, NextItemLoss loss, int64_t negatives, bool shared)
      : layout(Layout(1)), inputs(NormalTensor({layout.num_tokens(), config.width}, 7).to(at::kFloat)) {
    const int64_t sequences = layout.num_sequences(), d = config.width;
    targets.loss = loss;
    targets.negatives = negatives;
    targets.profiles = NormalTensor({sequences, d}, 9).to(at::kFloat);
    rows = NormalTensor({40, d}, 10).to(at::kFloat);
    targets.offsets = {0};
    targets.excluded_offsets = {0};
    for (int64_t b = 0; b < sequences; ++b) {
      if (b % 5 == 4) AddTarget(-1, b, shared);  // a first click without a prompt
      for (int64_t t = layout.offsets[static_cast<size_t>(b)]; t < layout.offsets[static_cast<size_t>(b) + 1];
           ++t)
        AddTarget(t, b, shared);
      targets.offsets.push_back(static_cast<int64_t>(targets.tokens.size()));
      if (shared && negatives > 1 && b % 3 == 1) targets.excluded = Joined(targets.excluded, {b % negatives});
      targets.excluded_offsets.push_back(static_cast<int64_t>(targets.excluded.size()));
    }
    targets.scale = 1.0 / static_cast<double>(targets.tokens.size());
    if (shared) targets.shared = rows.narrow(0, 0, negatives).contiguous();
    for (const int64_t row : candidate_rows)
      targets.candidates.push_back(rows.const_data_ptr<float>() + row * d);
  }

  static std::vector<int64_t> Joined(std::vector<int64_t> list, const std::vector<int64_t>& more) {
    list.insert(list.end(), more.begin(), more.end());
    return list;
  }

  void AddTarget(int64_t token, int64_t sequence, bool shared) {
    targets.tokens.push_back(token);
    sequence_of_target.push_back(sequence);
    const int64_t candidates = shared ? 1 : 1 + targets.negatives;
    for (int64_t k = 0; k < candidates; ++k) {
      candidate_rows.push_back(
          static_cast<int64_t>(MakeRandomKey(1, RandomSite::kTest).Below(40, candidate_rows.size())));
    }
  }

  PackedLayout layout;
  at::Tensor inputs, rows;  // [T, d], [40, d] f32
  NextItemTargets targets;
  std::vector<int64_t> candidate_rows, sequence_of_target;
};

// The loss in float64 by autograd; gradients land in the leaves.
at::Tensor ReferenceLoss(const NextItemCase& c, const Encoder& encoder, const at::Tensor& inputs,
                         const at::Tensor& profiles, const at::Tensor& rows, bool dropout) {
  const at::Tensor hidden = encoder.Forward(inputs, c.layout, {.active = dropout});
  const at::Tensor with_none = at::cat({hidden, at::zeros({1, hidden.size(1)}, hidden.options())});
  at::Tensor tokens = at::tensor(c.targets.tokens, at::kLong);
  tokens = at::where(tokens.lt(0), at::full_like(tokens, hidden.size(0)), tokens);
  const at::Tensor users = with_none.index_select(0, tokens) +
                           profiles.index_select(0, at::tensor(c.sequence_of_target, at::kLong));
  const auto count = static_cast<int64_t>(c.targets.tokens.size());
  const at::Tensor index = at::tensor(c.candidate_rows, at::kLong);
  if (!c.targets.shared.defined()) {
    const at::Tensor table = index.view({count, 1 + c.targets.negatives});
    return NextItemLossSumReference(c.targets.loss, users, rows, table.select(1, 0).contiguous(),
                                    table.narrow(1, 1, c.targets.negatives).contiguous());
  }
  const at::Tensor positive = (users * rows.index_select(0, index)).sum(1);
  const at::Tensor scores = users.matmul(rows.narrow(0, 0, c.targets.negatives).t());  // [N, K]
  at::Tensor counts_in = at::ones_like(scores);
  for (int64_t n = 0; n < count; ++n) {
    const auto b = static_cast<size_t>(c.sequence_of_target[static_cast<size_t>(n)]);
    for (int64_t e = c.targets.excluded_offsets[b]; e < c.targets.excluded_offsets[b + 1]; ++e)
      counts_in[n][c.targets.excluded[static_cast<size_t>(e)]] = 0;
  }
  const bool is_bpr = c.targets.loss.kind == NextItemLoss::kBpr;
  const at::Tensor excess = is_bpr ? scores - positive.unsqueeze(1) : scores;
  const at::Tensor of_negatives = (-at::log_sigmoid(-excess) * counts_in).sum(1) / counts_in.sum(1);
  return (is_bpr ? of_negatives : of_negatives - at::log_sigmoid(positive)).sum();
}

void ExpectOnePassMatches(const EncoderConfig& config, fused::InstructionSet set, NextItemLoss loss,
                          int64_t negatives, bool shared) {
  const Twins twins(config, set);
  const NextItemCase c(config, loss, negatives, shared);
  at::Tensor inputs = c.inputs.to(at::kDouble).set_requires_grad(true);
  at::Tensor profiles = c.targets.profiles.to(at::kDouble).set_requires_grad(true);
  at::Tensor rows = c.rows.to(at::kDouble).set_requires_grad(true);
  const bool dropout = config.dropout > 0;
  const at::Tensor expected = ReferenceLoss(c, twins.wide_encoder, inputs, profiles, rows, dropout);
  (expected * c.targets.scale).backward();

  const NextItemGradients& found =
      twins.fused->NextItemPass(RowPointers(c.inputs), c.layout, {.active = dropout}, c.targets);
  EXPECT_NEAR(found.loss_sum, expected.item<double>(), kRelative * expected.item<double>());
  EXPECT_LT(RelativeError(found.inputs, inputs.grad()), kRelative);
  EXPECT_LT(RelativeError(found.profiles, profiles.grad()), kRelative);
  twins.ExpectSameGradients();
  at::Tensor of_rows = at::zeros_like(rows);
  const int64_t per_target = found.coefficients.size(1);
  const at::Tensor each =
      found.coefficients.to(at::kDouble).unsqueeze(2) * found.users.to(at::kDouble).unsqueeze(1);
  of_rows.index_add_(0, at::tensor(c.candidate_rows, at::kLong), each.view({-1, config.width}));
  EXPECT_EQ(per_target, shared ? 1 : 1 + negatives);
  if (shared) of_rows.narrow(0, 0, negatives).add_(found.shared);
  EXPECT_LT(RelativeError(of_rows, rows.grad()), kRelative);
}

TEST_P(FusedEncoderTest, OnePassMatchesFloat64Autograd) {
  for (const Variant& variant : Variants()) {
    SCOPED_TRACE(variant.name);
    ExpectOnePassMatches(variant.config, GetParam(), NextItemLoss::kBce, 1, false);
  }
}

TEST_P(FusedEncoderTest, EveryLossAndNumberOfNegativesMatches) {
  EncoderConfig config;
  for (const NextItemLoss loss : {NextItemLoss::kBpr, NextItemLoss::kBce}) {
    for (const int64_t negatives : {1, 3, 17, 33}) {
      for (const bool shared : {false, true}) {
        SCOPED_TRACE(std::to_string(negatives) + (shared ? " shared" : " own") +
                     (loss == NextItemLoss::kBpr ? " bpr" : " bce"));
        ExpectOnePassMatches(config, GetParam(), loss, negatives, shared);
      }
    }
  }
}

// A frozen encoder gives gradients to its inputs only, the same ones.
TEST_P(FusedEncoderTest, FrozenEncoderPassesGradientsOn) {
  const EncoderConfig config;
  const NextItemCase c(config, NextItemLoss::kBpr, 1, false);
  Twins training(config, GetParam()), frozen(config, GetParam());
  frozen.narrow.Freeze(ParameterGroup::kPretrained);
  const auto run = [&](const Twins& twins) {
    return twins.fused->NextItemPass(RowPointers(c.inputs), c.layout, {.active = true}, c.targets)
        .inputs.clone();
  };
  EXPECT_TRUE(at::equal(run(training), run(frozen)));
  EXPECT_TRUE(frozen.narrow.gradients().eq(0).all().item<bool>());
}

// The same batch twice gives the same bits, whatever ran in between; other numbers of threads the same
// values.
TEST_P(FusedEncoderTest, RepeatsBitForBit) {
  const EncoderConfig config;
  const NextItemCase c(config, NextItemLoss::kBce, 2, false), other(config, NextItemLoss::kBpr, 5, true);
  Twins twins(config, GetParam());
  const auto run = [&](const NextItemCase& batch) {
    twins.narrow.ZeroGradients();
    twins.fused->NextItemPass(RowPointers(batch.inputs), batch.layout, {.active = true}, batch.targets);
    return twins.narrow.gradients().clone();
  };
  const at::Tensor first = run(c);
  run(other);
  EXPECT_TRUE(at::equal(run(c), first));
  for (const int threads : {1, 3, 40}) {  // also more threads than sequences
    at::set_num_threads(threads);
    EXPECT_LT(RelativeError(run(c), first.to(at::kDouble)), kRelative) << threads;
  }
}

TEST_P(FusedEncoderTest, EmptyBatchGivesNothing) {
  const EncoderConfig config;
  Twins twins(config, GetParam());
  NextItemTargets targets;
  targets.offsets = targets.excluded_offsets = {0};
  const NextItemGradients& found = twins.fused->NextItemPass({}, MakeLayout({}), {.active = true}, targets);
  EXPECT_EQ(found.loss_sum, 0);
  EXPECT_EQ(found.inputs.size(0), 0);
  EXPECT_EQ(twins.fused->ForwardLast({}, MakeLayout({})).size(0), 0);
  EXPECT_TRUE(twins.narrow.gradients().eq(0).all().item<bool>());
}

TEST(FusedEncoder, SaysWhyItCannotRun) {
  EncoderConfig config;
  config.width = 60;
  EXPECT_NE(FusedEncoder::Obstacle(config).find("multiples of 16"), std::string::npos);
  config = EncoderConfig();
  config.attention = AttentionSpan::kBidirectional;
  EXPECT_EQ(FusedEncoder::Obstacle(config), "attention is bidirectional");
  config = EncoderConfig();
  config.backbone = Backbone::kGru;
  EXPECT_EQ(FusedEncoder::Obstacle(config), "the backbone is a GRU");
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, FusedEncoderTest,
                         testing::Values(fused::InstructionSet::kAvx2, fused::InstructionSet::kAvx512),
                         [](const auto& set) {
                           return set.param == fused::InstructionSet::kAvx2 ? "Avx2" : "Avx512";
                         });

}  // namespace
}  // namespace ppr::model
