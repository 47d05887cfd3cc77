#include "model/sequence_encoder.h"

#include "model/encoder.h"
#include "model/gru_encoder.h"

namespace ppr::model {

std::unique_ptr<SequenceEncoder> MakeSequenceEncoder(const EncoderConfig& config,
                                                     DenseParameters& parameters) {
  if (config.backbone == Backbone::kGru) return std::make_unique<GruEncoder>(config, parameters);
  return std::make_unique<Encoder>(config, parameters);
}

}  // namespace ppr::model
