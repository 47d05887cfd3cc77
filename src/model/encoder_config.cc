#include "model/encoder_config.h"

#include "base/findings.h"
#include "base/text_format.h"
#include "model/dropout_bits.h"

namespace ppr::model {
namespace {

// Far above what is trained, and small enough that one setting alone never asks for more memory than a
// machine has.
constexpr int64_t kMostBlocks = 256, kMostHeads = 1024, kMostWidth = 4096, kMostInnerWidth = 65536,
                  kMostHistory = 65536;

}  // namespace

const settings::NameTable<Backbone>& NamesOf(Backbone) {
  static const settings::NameTable<Backbone> names = {{"transformer", Backbone::kTransformer},
                                                      {"gru", Backbone::kGru}};
  return names;
}

const settings::NameTable<AttentionSpan>& NamesOf(AttentionSpan) {
  static const settings::NameTable<AttentionSpan> names = {{"causal", AttentionSpan::kCausal},
                                                           {"bidirectional", AttentionSpan::kBidirectional}};
  return names;
}

const settings::NameTable<Norm>& NamesOf(Norm) {
  static const settings::NameTable<Norm> names = {{"pre", Norm::kPre}, {"post", Norm::kPost}};
  return names;
}

const settings::NameTable<Activation>& NamesOf(Activation) {
  static const settings::NameTable<Activation> names = {{"relu", Activation::kRelu},
                                                        {"gelu", Activation::kGelu}};
  return names;
}

const settings::NameTable<PositionOrigin>& NamesOf(PositionOrigin) {
  static const settings::NameTable<PositionOrigin> names = {{"start", PositionOrigin::kStart},
                                                            {"end", PositionOrigin::kEnd}};
  return names;
}

void AddDropout(settings::Settings& settings, double* rate, settings::Limits limits) {
  settings.Add(rate, {.flag = "dropout",
                      .help = "Dropout rate in training; when tuning, -1 keeps the rate of pre-training",
                      .limits = std::move(limits)});
}

namespace {

void DescribeSizes(settings::Settings& settings, EncoderConfig& config) {
  using settings::Between;
  settings.Add(&config.backbone,
               {.flag = "backbone",
                .help = "What encodes a history: transformer, or gru (GRU4Rec; reads blocks, width, "
                        "max_history, dropout and init_std)",
                .newer = true});
  settings.Add(&config.attention,
               {.flag = "attention",
                .help = "What a click attends to: those before it (causal), or also those after it "
                        "(bidirectional)",
                .newer = true});
  settings.Add(&config.blocks, {.flag = "blocks",
                                .help = "Transformer blocks, or layers of the GRU",
                                .limits = Between(1, kMostBlocks)});
  settings.Add(&config.heads, {.flag = "heads", .help = "Attention heads", .limits = Between(1, kMostHeads)});
  settings.Add(
      &config.width,
      {.flag = "width", .help = "Hidden width d, also of item rows", .limits = Between(1, kMostWidth)});
  settings.Add(&config.ffn_width, {.flag = "ffn_width",
                                   .help = "Inner width of the feed-forward layers",
                                   .limits = Between(1, kMostInnerWidth)});
  settings.Add(
      &config.max_history,
      {.flag = "max_history",
       .help = "Longest history L that the encoder sees; longer ones are cut into windows for training",
       .limits = Between(1, kMostHistory)});
}

void DescribeLayers(settings::Settings& settings, EncoderConfig& config) {
  settings.Add(&config.norm, {.flag = "norm",
                              .help = "LayerNorm before each sub-layer (pre) or after its residual (post)"});
  settings.Add(&config.residual_from_norm,
               {.flag = "residual_from_norm", .help = "Pre-LN only: residuals add the normalised input"});
  settings.Add(&config.activation,
               {.flag = "activation", .help = "Of the feed-forward layers: relu or gelu"});
  AddDropout(settings, &config.dropout, settings::ShareBelowOne());
  settings.Add(&config.scale_embedding, {.flag = "scale_embedding",
                                         .help = "Multiply item rows by sqrt(d) before positions are added"});
  settings.Add(&config.embedding_norm,
               {.flag = "embedding_norm", .help = "LayerNorm after positions are added"});
  settings.Add(&config.output_projection,
               {.flag = "output_projection", .help = "Linear layer after attention"});
  settings.Add(&config.final_norm, {.flag = "final_norm", .help = "LayerNorm after the last block"});
  settings.Add(
      &config.position_origin,
      {.flag = "position_origin",
       .help = "Count positions from the first click (start), or so that the newest click of short and long "
               "histories shares a position (end)"});
  settings.Add(&config.init_std, {.flag = "init_std",
                                  .help = "Standard deviation of initial parameters",
                                  .limits = settings::NotNegative(10)});
}

}  // namespace

void Describe(settings::Settings& settings, EncoderConfig& config) {
  settings.Section("encoder");
  DescribeSizes(settings, config);
  DescribeLayers(settings, config);
}

std::vector<std::string> EncoderConfig::Problems() const {
  Findings findings;
  findings.Append(settings::LimitProblems(*this));
  findings.Expect(heads < 1 || width < 1 || width % heads == 0, "heads",
                  "a divisor of width " + std::to_string(width), std::to_string(heads));
  const bool is_rate = dropout >= 0 && dropout < 1;
  findings.Expect(!is_rate || DropoutThreshold(dropout) < 65536, "dropout",
                  "a share below 1 by 2^-16 or more", Format("%g", dropout));
  findings.Expect(!residual_from_norm || norm == Norm::kPre, "residual_from_norm", "false with norm post",
                  "true");
  findings.Expect(backbone != Backbone::kGru || attention == AttentionSpan::kCausal, "attention",
                  "causal: a GRU reads forward only", settings::NameOf(attention));
  return findings.Take();
}

}  // namespace ppr::model
