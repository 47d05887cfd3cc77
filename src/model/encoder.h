// The Transformer over packed sequences: causal (SASRec, Kang & McAuley 2018; paper Eq. 1), or bidirectional
// with a learned mask token (BERT4Rec, Sun et al. 2019).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "model/dense_parameters.h"
#include "model/encoder_config.h"
#include "model/packed_layout.h"
#include "model/sequence_encoder.h"

namespace ppr::model {

// LayerNorm's epsilon, as SASRec's.
inline constexpr double kLayerNormEpsilon = 1e-8;

// Weights are [in, out] and start normal with init_std, biases at 0, gains at 1. Queries and values have a
// bias, keys have none: softmax ignores it, so its gradient is zero but for rounding, which Adam would blow
// up into a random walk.
class Encoder : public SequenceEncoder {
 public:
  // Indices into the DenseParameters; -1 where the configuration has none.
  struct Block {
    int norm1_gain = -1, norm1_bias = -1, qkv_weight = -1, query_bias = -1, value_bias = -1;
    int output_weight = -1, output_bias = -1, norm2_gain = -1, norm2_bias = -1;
    int ffn1_weight = -1, ffn1_bias = -1, ffn2_weight = -1, ffn2_bias = -1;
  };
  struct Indices {
    int positions = -1, mask = -1, embedding_gain = -1, embedding_bias = -1, final_gain = -1, final_bias = -1;
    std::vector<Block> blocks;
  };

  // Declares its parameters ("encoder.*") in `parameters`, which must outlive the encoder; call before
  // Allocate().
  Encoder(const EncoderConfig& config, DenseParameters& parameters);

  // The last block's output [T, d], normalised if the configuration says so.
  at::Tensor Forward(const at::Tensor& inputs, const PackedLayout& layout,
                     DropoutState dropout) const override;
  const EncoderConfig& config() const override { return config_; }
  // Only a bidirectional encoder has one: it learns from masked clicks.
  at::Tensor mask_token() const override;

  const Indices& indices() const { return indices_; }

 private:
  at::Tensor Embed(const at::Tensor& inputs, const PackedLayout& layout, double dropout_rate) const;
  at::Tensor Attend(const Block& block, int64_t index, const at::Tensor& hidden, const PackedLayout& layout,
                    double dropout_rate) const;
  at::Tensor FeedForward(const Block& block, int64_t index, const at::Tensor& hidden,
                         const PackedLayout& layout, double dropout_rate) const;
  at::Tensor LayerNorm(const at::Tensor& input, int gain, int bias) const;
  at::Tensor Linear(const at::Tensor& input, int weight, int bias) const;

  EncoderConfig config_;
  const DenseParameters& parameters_;
  Indices indices_;
};

}  // namespace ppr::model
