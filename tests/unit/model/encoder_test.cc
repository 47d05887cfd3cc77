// The encoder against an independent forward pass and finite differences; causality, packing, prompts, empty
// batches.
#include "model/encoder.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "model/attention.h"
#include "model/hash_dropout.h"
#include "support/gradient_check.h"
#include "unit/model/packed_batches.h"

namespace ppr::model {
namespace {

using test::LargestDifference;
using test::NormalTensor;
using test::NormalVariable;

constexpr uint64_t kSeed = 3;

EncoderConfig SmallConfig() {
  EncoderConfig config;
  config.width = 6;
  config.ffn_width = 5;
  config.max_history = 8;
  config.dropout = 0.3;
  return config;
}

// An encoder in float64 whose parameters are all moved off their special initial values.
struct SmallModel {
  explicit SmallModel(const EncoderConfig& config)
      : parameters(kSeed, 0.3, at::TensorOptions().dtype(at::kDouble)), encoder(config, parameters) {
    parameters.Allocate();
    parameters.values().add_(NormalTensor({parameters.numel()}, 4) * 0.2);
  }
  std::map<std::string, at::Tensor> ByName() const {
    std::map<std::string, at::Tensor> result;
    for (size_t i = 0; i < parameters.parameters().size(); ++i) {
      result[parameters.parameters()[i].name] = parameters[static_cast<int>(i)];
    }
    return result;
  }

  DenseParameters parameters;
  Encoder encoder;
};

// The configurations that every property is tested on.
std::map<std::string, EncoderConfig> Configurations() {
  std::map<std::string, EncoderConfig> all;
  all["pre"] = SmallConfig();
  all["pre_two_heads_gelu"] = SmallConfig();
  all["pre_two_heads_gelu"].heads = 2;
  all["pre_two_heads_gelu"].activation = Activation::kGelu;
  all["pre_residual_from_norm"] = SmallConfig();
  all["pre_residual_from_norm"].residual_from_norm = true;
  all["pre_residual_from_norm"].scale_embedding = true;
  EncoderConfig paper = SmallConfig();
  paper.norm = Norm::kPost;
  paper.output_projection = false;
  paper.final_norm = false;
  paper.blocks = 1;
  all["post_paper"] = paper;
  EncoderConfig s3 = SmallConfig();
  s3.norm = Norm::kPost;
  s3.embedding_norm = true;
  s3.heads = 2;
  s3.activation = Activation::kGelu;
  s3.scale_embedding = true;
  all["post_embedding_norm"] = s3;
  all["bidirectional"] = s3;
  all["bidirectional"].attention = AttentionSpan::kBidirectional;
  return all;
}

at::Tensor Normalise(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& bias) {
  const at::Tensor mean = x.mean(1, true), variance = (x - mean).square().mean(1, true);
  return (x - mean) / (variance + kLayerNormEpsilon).sqrt() * gain + bias;
}

// The encoder as the documentation describes it. Dropout sites are 0 for the embedding, then 4 * block + 1,
// 2, 3 for attention weights, attention output and feed-forward output.
at::Tensor ForwardByTheBook(const EncoderConfig& config, const std::map<std::string, at::Tensor>& p,
                            const at::Tensor& inputs, const PackedLayout& layout, double dropout) {
  const auto drop = [&](const at::Tensor& x, int64_t site) {
    return HashDropout(x, layout.token_keys, static_cast<uint64_t>(site), dropout);
  };
  const auto get = [&](const std::string& name) { return p.at("encoder." + name); };
  std::vector<at::Tensor> rows;
  for (int64_t t = 0; t < layout.num_tokens(); ++t) {
    const int64_t position = layout.positions[t].item<int64_t>();
    const double scale =
        config.scale_embedding && position >= 0 ? std::sqrt(static_cast<double>(config.width)) : 1;
    rows.push_back(position >= 0 ? inputs[t] * scale + get("positions")[position] : inputs[t]);
  }
  at::Tensor x = at::stack(rows);
  if (config.embedding_norm) x = Normalise(x, get("embedding_norm.gain"), get("embedding_norm.bias"));
  x = drop(x, 0);
  for (int64_t b = 0; b < config.blocks; ++b) {
    const auto of = [&](const std::string& name) { return get("block" + std::to_string(b) + "." + name); };
    const auto norm = [&](const at::Tensor& y, const std::string& n) {
      return Normalise(y, of(n + ".gain"), of(n + ".bias"));
    };
    const bool pre = config.norm == Norm::kPre;
    const at::Tensor a = pre ? norm(x, "norm1") : x;
    const std::vector<at::Tensor> w = at::chunk(of("attention.qkv.weight"), 3, 1);
    at::Tensor y =
        PackedAttentionReference(a.matmul(w[0]) + of("attention.query.bias"), a.matmul(w[1]),
                                 a.matmul(w[2]) + of("attention.value.bias"), layout,
                                 {config.heads, dropout, static_cast<uint64_t>(4 * b + 1), config.attention});
    if (config.output_projection) y = y.matmul(of("attention.output.weight")) + of("attention.output.bias");
    x = (config.residual_from_norm ? a : x) + drop(y, 4 * b + 2);
    if (!pre) x = norm(x, "norm1");
    const at::Tensor f = pre ? norm(x, "norm2") : x;
    const at::Tensor inner = f.matmul(of("ffn1.weight")) + of("ffn1.bias");
    const at::Tensor gelu = inner * 0.5 * (1 + (inner / std::sqrt(2.0)).erf());
    const at::Tensor active = config.activation == Activation::kGelu ? gelu : inner.clamp_min(0);
    const at::Tensor z = active.matmul(of("ffn2.weight")) + of("ffn2.bias");
    x = (config.residual_from_norm ? f : x) + drop(z, 4 * b + 3);
    if (!pre) x = norm(x, "norm2");
  }
  return config.final_norm ? Normalise(x, get("final_norm.gain"), get("final_norm.bias")) : x;
}

TEST(Encoder, ForwardIsAsDocumented) {
  const PackedLayout layout = MakeLayout({3, 0, 7, 1}, /*prompts=*/1);
  const at::Tensor inputs = NormalTensor({11, 6}, 1);
  for (const auto& [name, config] : Configurations()) {
    const SmallModel model(config);
    for (const bool active : {false, true}) {
      const at::Tensor expected =
          ForwardByTheBook(config, model.ByName(), inputs, layout, active ? config.dropout : 0);
      // Some hundred float64 operations of order 1, normalised a few times.
      EXPECT_LT(LargestDifference(model.encoder.Forward(inputs, layout, {active}), expected), 1e-12) << name;
    }
  }
}

class EncoderGradients : public testing::TestWithParam<std::string> {};

TEST_P(EncoderGradients, MatchDifferences) {
  const PackedLayout layout = MakeLayout({3, 0, 5, 1}, /*prompts=*/1);
  const SmallModel model(Configurations().at(GetParam()));
  const at::Tensor inputs = NormalVariable({9, 6}, 1);
  std::vector<std::pair<std::string, at::Tensor>> variables = {{"inputs", inputs}};
  for (const auto& [parameter, leaf] : model.ByName()) variables.emplace_back(parameter, leaf);
  const auto loss = [&] {
    at::Tensor rows = inputs;
    if (const at::Tensor mask = model.encoder.mask_token(); mask.defined()) {
      rows = at::cat({rows.narrow(0, 0, 4), mask.unsqueeze(0), rows.narrow(0, 4, 4)});  // token 4 is masked
    }
    return test::WeightedSum(model.encoder.Forward(rows, layout, {.active = true}));
  };
  test::ExpectGradientsMatchDifferences(loss, variables);
}

std::vector<std::string> ConfigurationNames() {
  std::vector<std::string> names;
  for (const auto& [name, config] : Configurations()) names.push_back(name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Configurations, EncoderGradients, testing::ValuesIn(ConfigurationNames()),
                         [](const auto& name) { return name.param; });

TEST(Encoder, SeesNoOtherSequenceAndTheFutureOnlyWhenBidirectional) {
  const PackedLayout layout = MakeLayout({4, 6, 3});
  const at::Tensor inputs = NormalTensor({13, 6}, 1);
  at::Tensor changed = inputs.clone();
  changed[7].add_(NormalTensor({6}, 2));  // token 3 of the second sequence
  for (const auto& [name, config] : Configurations()) {
    const SmallModel model(config);
    const at::Tensor moved =
        (model.encoder.Forward(changed, layout, {true}) - model.encoder.Forward(inputs, layout, {true}))
            .abs()
            .sum(1);  // [T]
    const bool causal = config.attention == AttentionSpan::kCausal;
    EXPECT_EQ(moved.narrow(0, 0, causal ? 7 : 4).sum().item<double>(), 0) << name;
    EXPECT_GT(moved.narrow(0, causal ? 7 : 4, causal ? 3 : 6).min().item<double>(), 1e-6) << name;
    EXPECT_EQ(moved.narrow(0, 10, 3).sum().item<double>(), 0) << name;
    EXPECT_GT(moved[7].item<double>(), 1e-3) << name;
    EXPECT_GT(moved[9].item<double>(), 1e-6) << name;
  }
}

TEST(Encoder, PackingDoesNotShow) {
  const PackedLayout together = MakeLayout({4, 0, 6, 1}, 1, {0, 1, 2, 3}),
                     apart = MakeLayout({6, 4}, 1, {2, 0});
  const at::Tensor inputs = NormalTensor({11, 6}, 1);
  const at::Tensor chosen = at::cat({inputs.narrow(0, 4, 6), inputs.narrow(0, 0, 4)});
  for (const auto& [name, config] : Configurations()) {
    const SmallModel model(config);
    const at::Tensor output = model.encoder.Forward(inputs, together, {true});
    const at::Tensor other = model.encoder.Forward(chosen, apart, {true});
    // BLAS may sum in another order for another number of rows.
    EXPECT_LT(LargestDifference(other, at::cat({output.narrow(0, 4, 6), output.narrow(0, 0, 4)})), 1e-13)
        << name;
  }
}

TEST(Encoder, PositionsAndScaleReachItemsOnly) {
  EncoderConfig config = SmallConfig();
  config.scale_embedding = true;
  config.final_norm = false;
  config.dropout = 0;
  const SmallModel model(config);
  model.parameters.values().zero_();  // every sub-layer now adds nothing
  const at::Tensor positions = model.ByName().at("encoder.positions");
  const at::NoGradGuard no_grad;
  positions.copy_(NormalTensor({8, 6}, 2));
  const PackedLayout layout = MakeLayout({4}, /*prompts=*/2);
  const at::Tensor inputs = NormalTensor({4, 6}, 1);
  const at::Tensor output = model.encoder.Forward(inputs, layout, {true});
  EXPECT_EQ(LargestDifference(output.narrow(0, 0, 2), inputs.narrow(0, 0, 2)), 0);
  const at::Tensor items = inputs.narrow(0, 2, 2) * std::sqrt(6.0) + positions.narrow(0, 0, 2);
  EXPECT_LT(LargestDifference(output.narrow(0, 2, 2), items), 1e-15);
}

TEST(Encoder, MasksFollowFromTheTokenKeys) {
  const SmallModel model(SmallConfig());
  PackedLayout layout = MakeLayout({5});
  const at::Tensor inputs = NormalTensor({5, 6}, 1);
  const at::Tensor first = model.encoder.Forward(inputs, layout, {true});
  EXPECT_EQ(LargestDifference(first, model.encoder.Forward(inputs, layout, {true})), 0);
  EXPECT_GT(LargestDifference(first, model.encoder.Forward(inputs, layout, {false})), 1e-3);
  layout.token_keys = layout.token_keys + 1;
  EXPECT_GT(LargestDifference(first, model.encoder.Forward(inputs, layout, {true})), 1e-3);
}

TEST(Encoder, EvaluatesWithoutTokenKeys) {
  const SmallModel model(SmallConfig());
  PackedLayout layout = MakeLayout({5});
  const at::Tensor inputs = NormalTensor({5, 6}, 1);
  const at::Tensor expected = model.encoder.Forward(inputs, layout, {});
  layout.token_keys = at::Tensor();
  EXPECT_EQ(LargestDifference(model.encoder.Forward(inputs, layout, {}), expected), 0);
}

TEST(Encoder, EmptyBatchesGiveZeroGradientsToAllParameters) {
  for (const auto& [name, config] : Configurations()) {
    for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{}, std::vector<int64_t>{0, 0}}) {
      const SmallModel model(config);
      const at::Tensor inputs = NormalVariable({0, 6}, 1);
      const at::Tensor output = model.encoder.Forward(inputs, MakeLayout(lengths), {true});
      EXPECT_EQ(output.sizes(), (std::vector<int64_t>{0, 6}));
      std::vector<at::Tensor> variables = {inputs};
      for (const auto& [parameter, leaf] : model.ByName()) {
        if (parameter != "encoder.mask") variables.push_back(leaf);  // the mask is an input, if anything
      }
      for (const at::Tensor& gradient : torch::autograd::grad({output.sum()}, variables)) {
        EXPECT_EQ(gradient.abs().sum().item<double>(), 0) << name;
      }
    }
  }
}

TEST(Encoder, SequencesOfOneTokenWork) {
  const SmallModel model(SmallConfig());
  const at::Tensor inputs = NormalTensor({3, 6}, 1);
  const at::Tensor together = model.encoder.Forward(inputs, MakeLayout({1, 1, 1}), {});
  const at::Tensor alone = model.encoder.Forward(inputs.narrow(0, 1, 1), MakeLayout({1}), {});
  EXPECT_LT(LargestDifference(together.narrow(0, 1, 1), alone), 1e-13);
}

TEST(Encoder, BackwardReachesTheFlatGradient) {
  SmallModel model(SmallConfig());
  const PackedLayout layout = MakeLayout({4, 2});
  const void* const before = model.parameters[1].grad().const_data_ptr();
  test::WeightedSum(model.encoder.Forward(NormalTensor({6, 6}, 1), layout, {true})).backward();
  EXPECT_EQ(model.parameters[1].grad().const_data_ptr(), before);
  for (const auto& [name, leaf] : model.ByName())
    EXPECT_GT(leaf.grad().abs().sum().item<double>(), 1e-9) << name;
  EXPECT_EQ(model.parameters.gradients().ne(0).sum().item<int64_t>() > 0, true);

  model.parameters.Freeze(ParameterGroup::kPretrained);
  const at::Tensor inputs = NormalVariable({6, 6}, 1);
  test::WeightedSum(model.encoder.Forward(inputs, layout, {true})).backward();
  EXPECT_EQ(model.parameters.gradients().abs().sum().item<double>(), 0);
  EXPECT_GT(inputs.grad().abs().sum().item<double>(), 1e-3);  // prompts still learn through a frozen encoder
}

TEST(Encoder, Float32MatchesFloat64) {
  EncoderConfig config;
  config.heads = 2;
  const PackedLayout layout = MakeLayout({50, 3, 20, 1});
  std::vector<at::Tensor> outputs;
  for (const at::ScalarType dtype : {at::kDouble, at::kFloat}) {
    DenseParameters parameters(kSeed, 0.1, at::TensorOptions().dtype(dtype));
    const Encoder encoder(config, parameters);
    parameters.Allocate();
    outputs.push_back(encoder.Forward(NormalTensor({74, 64}, 1).to(dtype), layout, {true}).to(at::kDouble));
  }
  EXPECT_LT(LargestDifference(outputs[0], outputs[1]),
            5e-5);  // two blocks of 64-term sums at 2^-24, values up to 5
}

TEST(Encoder, OnlyABidirectionalOneHasAMaskToken) {
  const SmallModel causal(SmallConfig());
  EXPECT_FALSE(causal.encoder.mask_token().defined());
  EXPECT_EQ(causal.ByName().count("encoder.mask"), 0);
  const SmallModel bidirectional(Configurations().at("bidirectional"));
  const at::Tensor mask = bidirectional.encoder.mask_token();
  EXPECT_TRUE(mask.is_same(bidirectional.ByName().at("encoder.mask")));
  EXPECT_EQ(mask.sizes(), (std::vector<int64_t>{6}));
}

}  // namespace
}  // namespace ppr::model
