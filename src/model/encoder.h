// The sequence model: a causal Transformer over packed sequences (SASRec, Kang & McAuley 2018; paper Eq. 1).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/dense_parameters.h"
#include "model/packed_layout.h"

namespace ppr::model {

enum class Norm { kPre, kPost };  // LayerNorm before each sub-layer, or after its residual
enum class Activation { kRelu, kGelu };
// Which row of the position table a history token takes: counted from the first token of the sequence, or
// such that the last token of a full-length history and of a short one share the last row (SASRec's left
// padding).
enum class PositionOrigin { kStart, kEnd };

struct EncoderConfig {
  int64_t blocks = 2, heads = 1, width = 64, ffn_width = 64;
  int64_t max_history = 50;  // L: rows of the position table
  Norm norm = Norm::kPre;
  Activation activation = Activation::kRelu;
  double dropout = 0.2;           // of the embedding, attention weights, and both sub-layers' outputs
  bool scale_embedding = false;   // item embeddings (tokens with a position; not prompts) times sqrt(d),
                                  // before positions are added (SASRec.pytorch)
  bool embedding_norm = false;    // LayerNorm after positions are added (BERT, S3-Rec)
  bool output_projection = true;  // linear layer after attention
  bool final_norm = true;         // LayerNorm after the last block (pre-LN models)
  bool residual_from_norm =
      false;  // pre-LN only: residuals add the sub-layer's normalised input (kang205/SASRec)
  PositionOrigin position_origin = PositionOrigin::kStart;
  double init_std = 0.02;

  // Every problem, one a line: widths that heads do not divide, rates outside [0, 1), NaN, ...
  std::vector<std::string> Problems() const;
};

// LayerNorm's epsilon, as SASRec's.
inline constexpr double kLayerNormEpsilon = 1e-8;

// Dropout in training; absent in evaluation. Masks are a function of (token key, site, element) alone.
struct DropoutState {
  bool active = false;
};

// Weights are [in, out] and start normal with init_std, biases at 0, gains at 1. Queries and values have a
// bias, keys have none: softmax ignores it, so its gradient is zero but for rounding, which Adam would blow
// up into a random walk.
class Encoder {
 public:
  // Indices into the DenseParameters; -1 where the configuration has none.
  struct Block {
    int norm1_gain = -1, norm1_bias = -1, qkv_weight = -1, query_bias = -1, value_bias = -1;
    int output_weight = -1, output_bias = -1, norm2_gain = -1, norm2_bias = -1;
    int ffn1_weight = -1, ffn1_bias = -1, ffn2_weight = -1, ffn2_bias = -1;
  };
  struct Indices {
    int positions = -1, embedding_gain = -1, embedding_bias = -1, final_gain = -1, final_bias = -1;
    std::vector<Block> blocks;
  };

  // Declares its parameters ("encoder.*") in `parameters`, which must outlive the encoder; call before
  // Allocate().
  Encoder(const EncoderConfig& config, DenseParameters& parameters);

  // inputs [T, d]: item rows and prompt tokens in packed order, without positions. Returns the last block's
  // output [T, d]; row t depends on tokens of its own sequence up to t only. Differentiable in inputs and
  // parameters.
  at::Tensor Forward(const at::Tensor& inputs, const PackedLayout& layout, DropoutState dropout) const;

  const EncoderConfig& config() const { return config_; }
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
