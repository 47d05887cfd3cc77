#include "stages/presets.h"

namespace ppr::stages {
namespace {

// Sets fields and remembers which.
class Statement {
 public:
  template <typename T>
  void operator()(T* field, T value) {
    *field = value;
    fields_.push_back(field);
  }
  std::vector<const void*> Take() { return std::move(fields_); }

 private:
  std::vector<const void*> fields_;
};

// The base model of the PPR paper (section 4.3) with what it leaves open filled in from ReChorus' SASRec, on
// which it was built: one post-LN block without output projection, BPR with one negative, Adam as PyTorch
// sets it. Positions count from the first click, not from the newest as there: all prefixes of a history
// train in one pass, and so take the positions they have when they are read.
std::vector<const void*> ApplyPaper(model::EncoderConfig& encoder, train::TrainingConfig& training) {
  Statement state;
  state(&encoder.blocks, int64_t{1});
  state(&encoder.heads, int64_t{1});
  state(&encoder.width, int64_t{64});
  state(&encoder.ffn_width, int64_t{64});
  state(&encoder.norm, model::Norm::kPost);
  state(&encoder.residual_from_norm, false);
  state(&encoder.activation, model::Activation::kRelu);
  state(&encoder.dropout, 0.0);
  state(&encoder.scale_embedding, false);
  state(&encoder.embedding_norm, false);
  state(&encoder.output_projection, false);
  state(&encoder.final_norm, false);
  state(&encoder.position_origin, model::PositionOrigin::kStart);
  state(&encoder.max_history, int64_t{100});
  state(&training.loss, model::NextItemLoss::kBpr);
  state(&training.negatives, int64_t{1});
  state(&training.batch_size, int64_t{256});
  state(&training.learning_rate.base, 1e-4);
  state(&training.optimiser.adam.beta2, 0.999);
  return state.Take();
}

// SASRec (Kang & McAuley 2018) close to its widely used PyTorch port; keys and values read the normalised
// input here.
std::vector<const void*> ApplySasrec(model::EncoderConfig& encoder, train::TrainingConfig& training) {
  Statement state;
  state(&encoder.blocks, int64_t{2});
  state(&encoder.heads, int64_t{1});
  state(&encoder.norm, model::Norm::kPre);
  state(&encoder.residual_from_norm, true);
  state(&encoder.activation, model::Activation::kRelu);
  state(&encoder.dropout, 0.2);
  state(&encoder.scale_embedding, true);
  state(&encoder.embedding_norm, false);
  state(&encoder.output_projection, true);
  state(&encoder.final_norm, true);
  state(&encoder.position_origin, model::PositionOrigin::kEnd);
  state(&encoder.max_history, int64_t{50});
  state(&training.loss, model::NextItemLoss::kBce);
  state(&training.negatives, int64_t{1});
  state(&training.batch_size, int64_t{128});
  state(&training.learning_rate.base, 1e-3);
  state(&training.optimiser.adam.beta2, 0.98);
  return state.Take();
}

}  // namespace

std::vector<const void*> ApplyPreset(Preset preset, PretrainConfig* config) {
  switch (preset) {
    case Preset::kNone:
      break;
    case Preset::kPaper:
      return ApplyPaper(config->encoder, config->training);
    case Preset::kSasrec:
      return ApplySasrec(config->encoder, config->training);
  }
  return {};
}

}  // namespace ppr::stages
