#include "model/encoder.h"

#include <ATen/ATen.h>

#include <cmath>

#include "base/errors.h"
#include "model/attention.h"
#include "model/gather_rows.h"
#include "model/hash_dropout.h"

namespace ppr::model {
namespace {

// Dropout sites: 0 is the embedding, then four numbers a block. DO NOT CHANGE: runs are repeatable only with
// the same.
enum class Place : uint64_t { kAttentionWeights = 1, kAttentionOutput = 2, kFfnOutput = 3 };
constexpr uint64_t kEmbeddingSite = 0;
uint64_t SiteOf(int64_t block, Place place) {
  return static_cast<uint64_t>(block) * 4 + static_cast<uint64_t>(place);
}

}  // namespace

Encoder::Encoder(const EncoderConfig& config, DenseParameters& parameters)
    : config_(config), parameters_(parameters) {
  PPR_BUG_IF_NOT(config.backbone == Backbone::kTransformer, "a Transformer got the settings of a GRU");
  const std::vector<std::string> problems = config.Problems();
  PPR_BUG_IF_NOT(problems.empty(), "encoder configuration was not checked: " + problems.front());
  using Init = DenseParameters::Init;
  const int64_t d = config.width;
  const auto add = [&](const std::string& name, std::vector<int64_t> shape, Init init) {
    return parameters.Add("encoder." + name, std::move(shape), ParameterGroup::kPretrained, init);
  };
  indices_.positions = add("positions", {config.max_history, d}, Init::kNormal);
  if (config.attention == AttentionSpan::kBidirectional) indices_.mask = add("mask", {d}, Init::kNormal);
  if (config.embedding_norm) {
    indices_.embedding_gain = add("embedding_norm.gain", {d}, Init::kOnes);
    indices_.embedding_bias = add("embedding_norm.bias", {d}, Init::kZeros);
  }
  for (int64_t b = 0; b < config.blocks; ++b) {
    const std::string prefix = "block" + std::to_string(b) + ".";
    Block block;
    block.norm1_gain = add(prefix + "norm1.gain", {d}, Init::kOnes);
    block.norm1_bias = add(prefix + "norm1.bias", {d}, Init::kZeros);
    block.qkv_weight = add(prefix + "attention.qkv.weight", {d, 3 * d}, Init::kNormal);
    block.query_bias = add(prefix + "attention.query.bias", {d}, Init::kZeros);
    block.value_bias = add(prefix + "attention.value.bias", {d}, Init::kZeros);
    if (config.output_projection) {
      block.output_weight = add(prefix + "attention.output.weight", {d, d}, Init::kNormal);
      block.output_bias = add(prefix + "attention.output.bias", {d}, Init::kZeros);
    }
    block.norm2_gain = add(prefix + "norm2.gain", {d}, Init::kOnes);
    block.norm2_bias = add(prefix + "norm2.bias", {d}, Init::kZeros);
    block.ffn1_weight = add(prefix + "ffn1.weight", {d, config.ffn_width}, Init::kNormal);
    block.ffn1_bias = add(prefix + "ffn1.bias", {config.ffn_width}, Init::kZeros);
    block.ffn2_weight = add(prefix + "ffn2.weight", {config.ffn_width, d}, Init::kNormal);
    block.ffn2_bias = add(prefix + "ffn2.bias", {d}, Init::kZeros);
    indices_.blocks.push_back(block);
  }
  if (config.final_norm) {
    indices_.final_gain = add("final_norm.gain", {d}, Init::kOnes);
    indices_.final_bias = add("final_norm.bias", {d}, Init::kZeros);
  }
}

at::Tensor Encoder::Forward(const at::Tensor& inputs, const PackedLayout& layout,
                            DropoutState dropout) const {
  PPR_BUG_IF_NOT(
      inputs.dim() == 2 && inputs.size(0) == layout.num_tokens() && inputs.size(1) == config_.width,
      "encoder inputs are not [tokens of the layout, width]");
  const double dropout_rate = dropout.active ? config_.dropout : 0;
  at::Tensor hidden = Embed(inputs, layout, dropout_rate);
  for (size_t b = 0; b < indices_.blocks.size(); ++b) {
    hidden = Attend(indices_.blocks[b], static_cast<int64_t>(b), hidden, layout, dropout_rate);
    hidden = FeedForward(indices_.blocks[b], static_cast<int64_t>(b), hidden, layout, dropout_rate);
  }
  return config_.final_norm ? LayerNorm(hidden, indices_.final_gain, indices_.final_bias) : hidden;
}

at::Tensor Encoder::mask_token() const {
  return indices_.mask < 0 ? at::Tensor() : parameters_[indices_.mask];
}

at::Tensor Encoder::Embed(const at::Tensor& inputs, const PackedLayout& layout, double dropout_rate) const {
  at::Tensor hidden = inputs;  // [T, d]
  if (config_.scale_embedding) {
    const at::Tensor is_item = layout.positions.ge(0).to(inputs.scalar_type()).unsqueeze(1);  // [T, 1]
    hidden = hidden * (is_item * (std::sqrt(static_cast<double>(config_.width)) - 1) + 1);
  }
  hidden = hidden + GatherRows(parameters_[indices_.positions], layout.positions);
  if (config_.embedding_norm) hidden = LayerNorm(hidden, indices_.embedding_gain, indices_.embedding_bias);
  return HashDropout(hidden, layout.token_keys, kEmbeddingSite, dropout_rate);
}

at::Tensor Encoder::Attend(const Block& block, int64_t index, const at::Tensor& hidden,
                           const PackedLayout& layout, double dropout_rate) const {
  const bool pre = config_.norm == Norm::kPre;
  const at::Tensor input = pre ? LayerNorm(hidden, block.norm1_gain, block.norm1_bias) : hidden;
  const at::Tensor& query_bias = parameters_[block.query_bias];
  const at::Tensor bias = at::cat({query_bias, at::zeros_like(query_bias), parameters_[block.value_bias]});
  const at::Tensor qkv = at::addmm(bias, input, parameters_[block.qkv_weight]);  // [T, 3d]
  const AttentionOptions options{config_.heads, dropout_rate, SiteOf(index, Place::kAttentionWeights),
                                 config_.attention};
  at::Tensor attended = PackedSelfAttention(qkv, layout, options);
  if (config_.output_projection) attended = Linear(attended, block.output_weight, block.output_bias);
  const at::Tensor& residual = config_.residual_from_norm ? input : hidden;
  const at::Tensor sum = AddHashDropout(residual, attended, layout.token_keys,
                                        SiteOf(index, Place::kAttentionOutput), dropout_rate);
  return pre ? sum : LayerNorm(sum, block.norm1_gain, block.norm1_bias);
}

at::Tensor Encoder::FeedForward(const Block& block, int64_t index, const at::Tensor& hidden,
                                const PackedLayout& layout, double dropout_rate) const {
  const bool pre = config_.norm == Norm::kPre;
  const at::Tensor input = pre ? LayerNorm(hidden, block.norm2_gain, block.norm2_bias) : hidden;
  const at::Tensor inner = Linear(input, block.ffn1_weight, block.ffn1_bias);  // [T, ffn_width]
  const at::Tensor active =
      config_.activation == Activation::kRelu ? at::relu(inner) : at::gelu(inner);  // exact, by erf
  const at::Tensor output = Linear(active, block.ffn2_weight, block.ffn2_bias);
  const at::Tensor& residual = config_.residual_from_norm ? input : hidden;
  const at::Tensor sum =
      AddHashDropout(residual, output, layout.token_keys, SiteOf(index, Place::kFfnOutput), dropout_rate);
  return pre ? sum : LayerNorm(sum, block.norm2_gain, block.norm2_bias);
}

at::Tensor Encoder::LayerNorm(const at::Tensor& input, int gain, int bias) const {
  return at::layer_norm(input, {config_.width}, parameters_[gain], parameters_[bias], kLayerNormEpsilon);
}

at::Tensor Encoder::Linear(const at::Tensor& input, int weight, int bias) const {
  return at::addmm(parameters_[bias], input, parameters_[weight]);
}

}  // namespace ppr::model
