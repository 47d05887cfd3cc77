// Gated recurrent units over packed sequences (GRU4Rec, Hidasi et al. 2016): `blocks` layers of width d.
//
// A layer maps its inputs x_1, x_2, ... of a sequence to states h_1, h_2, ... (* is by element):
//
//     r_t = sigmoid(x_t W_r + h_{t-1} U_r + b_r)                  reset gate
//     z_t = sigmoid(x_t W_z + h_{t-1} U_z + b_z)                  update gate
//     n_t = tanh(x_t W_n + b_n + r_t * (h_{t-1} U_n + c_n))       candidate
//     h_t = (1 - z_t) * n_t + z_t * h_{t-1}
//
// The reset gate acts behind U_n, as in torch and cuDNN; Hidasi's acts in front of it. The states of a layer
// are the inputs of the next one, and those of the last are the output. In training, inputs of every layer
// are dropped out, each layer with a site of its own; states that are carried along time are not.
//
// A prompt is the state that a sequence starts from: tokens without a position stand in front of all others,
// the last one's input is h_0 of every layer (zeros without one), and the output at all of them is h_0, so
// that a user without clicks is read out as the prompt. There is no position table: order is what a GRU
// reads.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "model/dense_parameters.h"
#include "model/sequence_encoder.h"

namespace ppr::model {

// Weights are [in, out], with the columns of r, z and n side by side, and start normal with init_std; biases
// start at 0.
class GruEncoder : public SequenceEncoder {
 public:
  // Declares its parameters ("encoder.gru<l>.*") in `parameters`, which must outlive the encoder; call before
  // Allocate().
  GruEncoder(const EncoderConfig& config, DenseParameters& parameters);

  at::Tensor Forward(const at::Tensor& inputs, const PackedLayout& layout,
                     DropoutState dropout) const override;
  const EncoderConfig& config() const override { return config_; }
  at::Tensor mask_token() const override { return {}; }

 private:
  // Indices into the DenseParameters.
  struct Layer {
    int input_weight = -1, hidden_weight = -1;  // W, U [d, 3 d]
    int bias = -1;                              // b_r, b_z, b_n [3 d]
    int hidden_bias = -1;                       // c_n [d]
  };

  EncoderConfig config_;
  const DenseParameters& parameters_;
  std::vector<Layer> layers_;
};

}  // namespace ppr::model
