#include "cli/encoder_flags.h"

#include <gflags/gflags.h>

#include "cli/choice.h"
#include "cli/gflags_bridge.h"
#include "stages/setting_names.h"

DEFINE_string(
    preset, "none",
    "Defaults of a known model: paper (the base model of the PPR paper) or sasrec (two pre-LN blocks, BCE); "
    "flags that are given win");
DEFINE_string(
    backbone, "transformer",
    "What encodes a history: transformer, or gru (GRU4Rec; reads blocks, width, max_history, dropout "
    "and init_std)");
DEFINE_string(attention, "causal",
              "What a click attends to: those before it (causal), or also those after it (bidirectional)");
DEFINE_int64(blocks, 2, "Transformer blocks, or layers of the GRU");
DEFINE_int64(heads, 1, "Attention heads");
DEFINE_int64(width, 64, "Hidden width d, also of item rows");
DEFINE_int64(ffn_width, 64, "Inner width of the feed-forward layers");
DEFINE_int64(max_history, 50,
             "Longest history L that the encoder sees; longer ones are cut into windows for training");
DEFINE_string(norm, "pre", "LayerNorm before each sub-layer (pre) or after its residual (post)");
DEFINE_bool(residual_from_norm, false, "Pre-LN only: residuals add the normalised input");
DEFINE_string(activation, "relu", "Of the feed-forward layers: relu or gelu");
DEFINE_double(dropout, 0.2, "Dropout rate in training; when tuning, -1 keeps the rate of pre-training");
DEFINE_bool(scale_embedding, false, "Multiply item rows by sqrt(d) before positions are added");
DEFINE_bool(embedding_norm, false, "LayerNorm after positions are added");
DEFINE_bool(output_projection, true, "Linear layer after attention");
DEFINE_bool(final_norm, true, "LayerNorm after the last block");
DEFINE_string(position_origin, "start",
              "Count positions from the first click (start), or so that the newest click of short and long "
              "histories shares a position (end)");
DEFINE_double(init_std, 0.02, "Standard deviation of initial parameters");

namespace ppr::cli {

FlagTopic EncoderTopic() {
  return TopicFromGflags("Encoder", {{"preset"},
                                     {"backbone"},
                                     {"attention"},
                                     {"blocks"},
                                     {"heads"},
                                     {"width"},
                                     {"ffn_width"},
                                     {"max_history"},
                                     {"norm"},
                                     {"residual_from_norm"},
                                     {"activation"},
                                     {"dropout"},
                                     {"scale_embedding"},
                                     {"embedding_norm"},
                                     {"output_projection"},
                                     {"final_norm"},
                                     {"position_origin"},
                                     {"init_std"}});
}

model::EncoderConfig EncoderConfigFromFlags(FlagSet& flags) {
  model::EncoderConfig config;
  config.backbone = Choose(flags, "backbone", stages::NamesOf<model::Backbone>());
  config.attention = Choose(flags, "attention", stages::NamesOf<model::AttentionSpan>());
  config.blocks = FLAGS_blocks;
  config.heads = FLAGS_heads;
  config.width = FLAGS_width;
  config.ffn_width = FLAGS_ffn_width;
  config.max_history = FLAGS_max_history;
  config.norm = Choose(flags, "norm", stages::NamesOf<model::Norm>());
  config.residual_from_norm = FLAGS_residual_from_norm;
  config.activation = Choose(flags, "activation", stages::NamesOf<model::Activation>());
  config.dropout = FLAGS_dropout;
  config.scale_embedding = FLAGS_scale_embedding;
  config.embedding_norm = FLAGS_embedding_norm;
  config.output_projection = FLAGS_output_projection;
  config.final_norm = FLAGS_final_norm;
  config.position_origin = Choose(flags, "position_origin", stages::NamesOf<model::PositionOrigin>());
  config.init_std = FLAGS_init_std;
  return config;
}

}  // namespace ppr::cli
