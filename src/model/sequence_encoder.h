// What turns a packed batch of token rows into a packed batch of hidden states: the Transformer
// (model/encoder.h) or the GRU (model/gru_encoder.h), as the configuration says.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "model/dense_parameters.h"
#include "model/encoder_config.h"
#include "model/packed_layout.h"

namespace ppr::model {

// Dropout in training; absent in evaluation. Masks are a function of (token key, site, element) alone.
struct DropoutState {
  bool active = false;
};

class SequenceEncoder {
 public:
  virtual ~SequenceEncoder() = default;

  // inputs [T, d]: item rows and prompt tokens in packed order, without positions. Returns [T, d]; a row
  // depends on tokens of its own sequence only, and unless attention is bidirectional on those up to itself
  // only. Differentiable in inputs and parameters.
  virtual at::Tensor Forward(const at::Tensor& inputs, const PackedLayout& layout,
                             DropoutState dropout) const = 0;

  virtual const EncoderConfig& config() const = 0;

  // The learned input of a masked click [d], valid after Allocate(); undefined when a masked click is a zero
  // vector.
  virtual at::Tensor mask_token() const = 0;
};

// Declares the encoder's parameters ("encoder.*") in `parameters`, which must outlive it; call before
// Allocate().
std::unique_ptr<SequenceEncoder> MakeSequenceEncoder(const EncoderConfig& config,
                                                     DenseParameters& parameters);

}  // namespace ppr::model
