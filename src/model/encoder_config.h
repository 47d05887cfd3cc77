// The settings of a sequence encoder. Which encoder they describe is `backbone`; the others are written for
// the Transformer, and a GRU reads blocks (its layers), width, max_history, dropout and init_std alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "settings/settings.h"

namespace ppr::model {

enum class Backbone { kTransformer, kGru };
// Which tokens of its sequence a token attends to: those up to itself, or all (BERT4Rec, Sun et al. 2019).
enum class AttentionSpan { kCausal, kBidirectional };
// LayerNorm before each sub-layer, or after its residual.
enum class Norm { kPre, kPost };
enum class Activation { kRelu, kGelu };
// Which row of the position table a history token takes: counted from the first token of the sequence, or
// such that the last token of a full-length history and of a short one share the last row (SASRec's left
// padding).
enum class PositionOrigin { kStart, kEnd };

const settings::NameTable<Backbone>& NamesOf(Backbone);
const settings::NameTable<AttentionSpan>& NamesOf(AttentionSpan);
const settings::NameTable<Norm>& NamesOf(Norm);
const settings::NameTable<Activation>& NamesOf(Activation);
const settings::NameTable<PositionOrigin>& NamesOf(PositionOrigin);

struct EncoderConfig {
  Backbone backbone = Backbone::kTransformer;
  AttentionSpan attention = AttentionSpan::kCausal;
  int64_t blocks = 2, heads = 1, width = 64, ffn_width = 64;
  // L: rows of the position table.
  int64_t max_history = 50;
  Norm norm = Norm::kPre;
  Activation activation = Activation::kRelu;
  // Of the embedding, attention weights, and both sub-layers' outputs.
  double dropout = 0.2;
  // Item embeddings (tokens with a position; not prompts) times sqrt(d), before positions are added
  // (SASRec.pytorch).
  bool scale_embedding = false;
  // LayerNorm after positions are added (BERT, S3-Rec).
  bool embedding_norm = false;
  // A linear layer after attention.
  bool output_projection = true;
  // LayerNorm after the last block (pre-LN models).
  bool final_norm = true;
  // Pre-LN only: residuals add the sub-layer's normalised input (kang205/SASRec).
  bool residual_from_norm = false;
  PositionOrigin position_origin = PositionOrigin::kStart;
  double init_std = 0.02;

  // Every problem, one a line: values outside their limits, widths that heads do not divide, ...
  std::vector<std::string> Problems() const;
};

// Under the topic of the moment, in section "encoder" of stored configs.
void Describe(settings::Settings& settings, EncoderConfig& config);
// The flag of a dropout rate; tuning has one of its own.
void AddDropout(settings::Settings& settings, double* rate, settings::Limits limits);

}  // namespace ppr::model
