// The GRU against closed forms, libtorch's GRU, a loop over single sequences and finite differences; prompts
// as initial states, causality, packing, dropout, empty batches.
#include "model/gru_encoder.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/errors.h"
#include "model/encoder.h"
#include "model/hash_dropout.h"
#include "support/gradient_check.h"
#include "unit/model/packed_batches.h"

namespace ppr::model {
namespace {

using test::LargestDifference;
using test::NormalTensor;
using test::NormalVariable;
using testing::ElementsAre;

constexpr int64_t kWidth = 4;

EncoderConfig GruConfig(int64_t width = kWidth, int64_t layers = 2) {
  EncoderConfig config;
  config.backbone = Backbone::kGru;
  config.width = width;
  config.blocks = layers;
  config.dropout = 0.3;
  return config;
}

// A GRU in float64 whose parameters are all moved off their special initial values.
struct SmallGru {
  explicit SmallGru(const EncoderConfig& config = GruConfig())
      : parameters(3, 0.3, at::TensorOptions().dtype(at::kDouble)), encoder(config, parameters) {
    parameters.Allocate();
    parameters.values().add_(NormalTensor({parameters.numel()}, 4) * 0.4);
  }
  std::map<std::string, at::Tensor> ByName() const {
    std::map<std::string, at::Tensor> result;
    for (size_t i = 0; i < parameters.parameters().size(); ++i) {
      result[parameters.parameters()[i].name] = parameters[static_cast<int>(i)];
    }
    return result;
  }
  at::Tensor Of(int64_t layer, const std::string& name) const {
    return ByName().at("encoder.gru" + std::to_string(layer) + "." + name);
  }

  DenseParameters parameters;
  GruEncoder encoder;
};

TEST(GruEncoder, DeclaresItsParameters) {
  const SmallGru model(GruConfig(kWidth, 1));
  std::vector<std::string> names;
  for (const DenseParameter& parameter : model.parameters.parameters()) {
    names.push_back(parameter.name);
    EXPECT_EQ(parameter.group, ParameterGroup::kPretrained);
  }
  EXPECT_THAT(names, ElementsAre("encoder.gru0.input.weight", "encoder.gru0.hidden.weight",
                                 "encoder.gru0.bias", "encoder.gru0.hidden.candidate.bias"));
  EXPECT_FALSE(model.encoder.mask_token().defined());
}

// One unit: r = 1/2 from b_r = 0, z = 3/4 from b_z = ln 3, whatever the input.
TEST(GruEncoder, StepsAreAsComputedByHand) {
  const SmallGru model(GruConfig(1, 1));
  {
    const at::NoGradGuard no_grad;
    model.Of(0, "input.weight").copy_(at::tensor({0.0, 0.0, 3.0}, at::kDouble).view({1, 3}));
    model.Of(0, "hidden.weight").copy_(at::tensor({0.0, 0.0, 2.0}, at::kDouble).view({1, 3}));
    model.Of(0, "bias").copy_(at::tensor({0.0, std::log(3.0), 0.1}, at::kDouble));
    model.Of(0, "hidden.candidate.bias").fill_(0.2);
  }
  const PackedLayout layout = MakeLayout({3}, /*prompts=*/1);
  const at::Tensor output =
      model.encoder.Forward(at::tensor({0.4, 0.1, -0.2}, at::kDouble).view({3, 1}), layout, {});
  const double first = 0.25 * std::tanh(0.1 * 3 + 0.1 + 0.5 * (0.4 * 2 + 0.2)) + 0.75 * 0.4;
  const double second = 0.25 * std::tanh(-0.2 * 3 + 0.1 + 0.5 * (first * 2 + 0.2)) + 0.75 * first;
  EXPECT_LT(LargestDifference(output, at::tensor({0.4, first, second}, at::kDouble).view({3, 1})), 1e-15);

  // Without a prompt the first state is zero.
  const at::Tensor alone = model.encoder.Forward(at::full({1, 1}, 0.1, at::kDouble), MakeLayout({1}), {});
  EXPECT_NEAR(alone.item<double>(), 0.25 * std::tanh(0.1 * 3 + 0.1 + 0.5 * 0.2), 1e-15);
}

TEST(GruEncoder, AgreesWithLibtorch) {
  const SmallGru model;
  const int64_t prompts = 1, clicks = 6;
  const at::Tensor inputs = NormalTensor({prompts + clicks, kWidth}, 1);
  std::vector<at::Tensor> weights;
  for (int64_t l = 0; l < 2; ++l) {
    const at::Tensor zeros = at::zeros({2 * kWidth}, at::kDouble);
    weights.push_back(model.Of(l, "input.weight").t().contiguous());
    weights.push_back(model.Of(l, "hidden.weight").t().contiguous());
    weights.push_back(model.Of(l, "bias"));
    weights.push_back(at::cat({zeros, model.Of(l, "hidden.candidate.bias")}));
  }
  const at::Tensor state = inputs.narrow(0, 0, 1).unsqueeze(0).expand({2, 1, kWidth}).contiguous();
  const auto [expected, last] = at::gru(inputs.narrow(0, prompts, clicks).unsqueeze(1), state, weights,
                                        /*has_biases=*/true, /*num_layers=*/2, /*dropout=*/0,
                                        /*train=*/false, /*bidirectional=*/false, /*batch_first=*/false);
  const at::Tensor output = model.encoder.Forward(inputs, MakeLayout({prompts + clicks}, prompts), {});
  EXPECT_LT(LargestDifference(output.narrow(0, prompts, clicks), expected.squeeze(1)), 1e-14);
}

// Each sequence by itself, token by token, as the documentation describes it. Dropout sites are the layers.
at::Tensor ForwardByTheBook(const SmallGru& model, const at::Tensor& inputs, const PackedLayout& layout,
                            double dropout) {
  const int64_t d = model.encoder.config().width;
  at::Tensor output = inputs.clone();
  for (size_t b = 0; b + 1 < layout.offsets.size(); ++b) {
    int64_t clicks = layout.offsets[b];
    at::Tensor start = at::zeros({d}, at::kDouble);
    while (clicks < layout.offsets[b + 1] && layout.positions[clicks].item<int64_t>() < 0) {
      start = inputs[clicks++];
    }
    for (int64_t t = layout.offsets[b]; t < clicks; ++t) output[t] = start;
    for (int64_t l = 0; l < model.encoder.config().blocks; ++l) {
      const std::vector<at::Tensor> w = at::chunk(model.Of(l, "input.weight"), 3, 1),
                                    u = at::chunk(model.Of(l, "hidden.weight"), 3, 1),
                                    bias = at::chunk(model.Of(l, "bias"), 3);
      const at::Tensor layer_input =
          HashDropout(output, layout.token_keys, static_cast<uint64_t>(l), dropout);
      at::Tensor h = start;
      for (int64_t t = clicks; t < layout.offsets[b + 1]; ++t) {
        const at::Tensor x = layer_input[t];
        const at::Tensor r = at::sigmoid(x.matmul(w[0]) + h.matmul(u[0]) + bias[0]);
        const at::Tensor z = at::sigmoid(x.matmul(w[1]) + h.matmul(u[1]) + bias[1]);
        const at::Tensor n =
            at::tanh(x.matmul(w[2]) + bias[2] + r * (h.matmul(u[2]) + model.Of(l, "hidden.candidate.bias")));
        h = (1 - z) * n + z * h;
        output[t] = h;
      }
    }
  }
  return output;
}

// Ties, empty sequences, and one that is all prompts among them.
const std::vector<int64_t> kLengths = {3, 0, 7, 2, 3, 12, 2, 1};
constexpr int64_t kTokens = 30;

TEST(GruEncoder, ForwardIsAsDocumented) {
  const at::NoGradGuard no_grad;
  const SmallGru model;
  const at::Tensor inputs = NormalTensor({kTokens, kWidth}, 1);
  for (const int64_t prompts : {0, 1, 2}) {
    const PackedLayout layout = MakeLayout(kLengths, prompts);
    for (const bool active : {false, true}) {
      const at::Tensor expected = ForwardByTheBook(model, inputs, layout, active ? 0.3 : 0);
      // Twelve steps of sums of four terms of order 1.
      EXPECT_LT(LargestDifference(model.encoder.Forward(inputs, layout, {active}), expected), 1e-13)
          << prompts << " prompts, dropout " << active;
    }
  }
}

TEST(GruEncoder, GradientsMatchDifferences) {
  for (const int64_t prompts : {0, 2}) {
    SCOPED_TRACE(prompts);
    const PackedLayout layout = MakeLayout({3, 0, 6, 2, 3}, prompts);
    const SmallGru model;
    const at::Tensor inputs = NormalVariable({14, kWidth}, 1);  // prompts, the initial states, among them
    std::vector<std::pair<std::string, at::Tensor>> variables = {{"inputs", inputs}};
    for (const auto& [parameter, leaf] : model.ByName()) variables.emplace_back(parameter, leaf);
    test::ExpectGradientsMatchDifferences(
        [&] { return test::WeightedSum(model.encoder.Forward(inputs, layout, {.active = true})); },
        variables);
  }
}

TEST(GruEncoder, SeesNoFutureAndNoOtherSequence) {
  const PackedLayout layout = MakeLayout({4, 6, 3});
  const SmallGru model;
  const at::Tensor inputs = NormalTensor({13, kWidth}, 1);
  at::Tensor changed = inputs.clone();
  changed[7].add_(1);  // token 3 of the second sequence
  const at::Tensor moved =
      (model.encoder.Forward(changed, layout, {true}) - model.encoder.Forward(inputs, layout, {true}))
          .abs()
          .sum(1);  // [T]
  EXPECT_EQ(moved.narrow(0, 0, 7).sum().item<double>(), 0);
  EXPECT_EQ(moved.narrow(0, 10, 3).sum().item<double>(), 0);
  EXPECT_GT(moved.narrow(0, 7, 3).min().item<double>(), 1e-3);
}

TEST(GruEncoder, PackingDoesNotShow) {
  const PackedLayout together = MakeLayout({4, 0, 6, 1}, 1, {0, 1, 2, 3}),
                     apart = MakeLayout({6, 4}, 1, {2, 0});
  const SmallGru model;
  const at::Tensor inputs = NormalTensor({11, kWidth}, 1);
  const at::Tensor output = model.encoder.Forward(inputs, together, {true});
  const at::Tensor other =
      model.encoder.Forward(at::cat({inputs.narrow(0, 4, 6), inputs.narrow(0, 0, 4)}), apart, {true});
  // BLAS may sum in another order for another number of rows.
  EXPECT_LT(LargestDifference(other, at::cat({output.narrow(0, 4, 6), output.narrow(0, 0, 4)})), 1e-14);
}

TEST(GruEncoder, AUserWithoutClicksIsReadOutAsThePrompt) {
  const SmallGru model;
  const at::Tensor inputs = NormalTensor({5, kWidth}, 1);
  const at::Tensor output = model.encoder.Forward(inputs, MakeLayout({2, 3}, /*prompts=*/2), {true});
  EXPECT_EQ(LargestDifference(output.narrow(0, 0, 2), inputs[1].expand({2, kWidth})), 0);
  EXPECT_EQ(LargestDifference(output.narrow(0, 2, 2), inputs[3].expand({2, kWidth})), 0);
}

TEST(GruEncoder, MasksFollowFromTheTokenKeys) {
  const SmallGru model;
  PackedLayout layout = MakeLayout({5});
  const at::Tensor inputs = NormalTensor({5, kWidth}, 1);
  const at::Tensor first = model.encoder.Forward(inputs, layout, {true});
  EXPECT_EQ(LargestDifference(first, model.encoder.Forward(inputs, layout, {true})), 0);
  const at::Tensor read = model.encoder.Forward(inputs, layout, {});
  EXPECT_GT(LargestDifference(first, read), 1e-3);
  layout.token_keys = layout.token_keys + 1;
  EXPECT_GT(LargestDifference(first, model.encoder.Forward(inputs, layout, {true})), 1e-3);
  layout.token_keys = at::Tensor();
  EXPECT_EQ(LargestDifference(read, model.encoder.Forward(inputs, layout, {})), 0);
}

TEST(GruEncoder, RepeatsBitForBit) {
  SmallGru model;
  const PackedLayout layout = MakeLayout(std::vector<int64_t>(60, 9));
  const at::Tensor inputs = NormalTensor({540, kWidth}, 1);
  std::vector<at::Tensor> gradients;
  for (int run = 0; run < 2; ++run) {
    model.parameters.ZeroGradients();
    test::WeightedSum(model.encoder.Forward(inputs, layout, {true})).backward();
    gradients.push_back(model.parameters.gradients().clone());
  }
  EXPECT_TRUE(at::equal(gradients[0], gradients[1]));
  EXPECT_GT(gradients[0].abs().min().item<double>(), 0);
}

TEST(GruEncoder, EmptyBatchesGiveZeroGradientsToAllParameters) {
  for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{}, std::vector<int64_t>{0, 0}}) {
    const SmallGru model;
    const at::Tensor inputs = NormalVariable({0, kWidth}, 1);
    const at::Tensor output = model.encoder.Forward(inputs, MakeLayout(lengths), {true});
    EXPECT_EQ(output.sizes(), (std::vector<int64_t>{0, kWidth}));
    std::vector<at::Tensor> variables = {inputs};
    for (const auto& [parameter, leaf] : model.ByName()) variables.push_back(leaf);
    for (const at::Tensor& gradient : torch::autograd::grad({output.sum()}, variables)) {
      EXPECT_EQ(gradient.abs().sum().item<double>(), 0);
    }
  }
}

TEST(GruEncoder, RefusesWhatCannotWork) {
  const SmallGru model;
  PackedLayout layout = MakeLayout({4});
  layout.positions = at::tensor({0, -1, 1, 2}, at::kLong);
  EXPECT_THROW(model.encoder.Forward(NormalTensor({4, kWidth}, 1), layout, {}), BugError);
  EXPECT_THROW(model.encoder.Forward(NormalTensor({3, kWidth}, 1), MakeLayout({4}), {}), BugError);
  DenseParameters parameters(3, 0.3, at::TensorOptions());
  EXPECT_THROW(GruEncoder(EncoderConfig(), parameters), BugError);
  EXPECT_THROW(Encoder(GruConfig(), parameters), BugError);
}

TEST(SequenceEncoder, IsWhatTheConfigurationSays) {
  DenseParameters parameters(3, 0.3, at::TensorOptions()), others(3, 0.3, at::TensorOptions());
  const auto gru = MakeSequenceEncoder(GruConfig(), parameters);
  EXPECT_NE(dynamic_cast<const GruEncoder*>(gru.get()), nullptr);
  EXPECT_EQ(gru->config().backbone, Backbone::kGru);
  const auto transformer = MakeSequenceEncoder(EncoderConfig(), others);
  EXPECT_NE(dynamic_cast<const Encoder*>(transformer.get()), nullptr);
}

}  // namespace
}  // namespace ppr::model
