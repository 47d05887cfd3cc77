#include "stages/presets.h"

namespace ppr::stages {
namespace {

// The base model of the PPR paper (section 4.3) with what it leaves open filled in from ReChorus' SASRec, on
// which it was built: one post-LN block without output projection, BPR with one negative, Adam as PyTorch
// sets it. Positions count from the first click, not from the newest as there: all prefixes of a history
// train in one pass, and so take the positions they have when they are read.
void ApplyPaper(PretrainConfig* config) {
  config->encoder = {.blocks = 1,
                     .heads = 1,
                     .width = 64,
                     .ffn_width = 64,
                     .max_history = 100,
                     .norm = model::Norm::kPost,
                     .activation = model::Activation::kRelu,
                     .dropout = 0,
                     .scale_embedding = false,
                     .embedding_norm = false,
                     .output_projection = false,
                     .final_norm = false,
                     .residual_from_norm = false,
                     .position_origin = model::PositionOrigin::kStart};
  config->training.loss = model::NextItemLoss::kBpr;
  config->training.negatives = 1;
  config->training.batch_size = 256;
  config->training.learning_rate.base = 1e-4;
  config->training.optimiser.adam.beta2 = 0.999;
}

// SASRec (Kang & McAuley 2018) close to its widely used PyTorch port; keys and values read the normalised
// input here.
void ApplySasrec(PretrainConfig* config) {
  config->encoder = {.blocks = 2,
                     .heads = 1,
                     .max_history = 50,
                     .norm = model::Norm::kPre,
                     .activation = model::Activation::kRelu,
                     .dropout = 0.2,
                     .scale_embedding = true,
                     .embedding_norm = false,
                     .output_projection = true,
                     .final_norm = true,
                     .residual_from_norm = true,
                     .position_origin = model::PositionOrigin::kEnd};
  config->training.loss = model::NextItemLoss::kBce;
  config->training.negatives = 1;
  config->training.batch_size = 128;
  config->training.learning_rate.base = 1e-3;
  config->training.optimiser.adam.beta2 = 0.98;
}

}  // namespace

void ApplyPreset(Preset preset, PretrainConfig* config) {
  switch (preset) {
    case Preset::kNone:
      return;
    case Preset::kPaper:
      return ApplyPaper(config);
    case Preset::kSasrec:
      return ApplySasrec(config);
  }
}

}  // namespace ppr::stages
