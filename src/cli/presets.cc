#include "cli/presets.h"

#include <string>
#include <utility>
#include <vector>

#include "cli/choice.h"

namespace ppr::cli {
namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

// The base model of the PPR paper (section 4.3) with what it leaves open filled in from ReChorus' SASRec, on
// which it was built: one post-LN block without output projection, BPR with one negative, Adam as PyTorch
// sets it. Positions count from the first click, not from the newest as there: all prefixes of a history
// train in one pass, and so take the positions they have when they are read.
const Values kPaper = {
    {"blocks", "1"},
    {"heads", "1"},
    {"width", "64"},
    {"ffn_width", "64"},
    {"norm", "post"},
    {"residual_from_norm", "false"},
    {"activation", "relu"},
    {"dropout", "0"},
    {"scale_embedding", "false"},
    {"embedding_norm", "false"},
    {"output_projection", "false"},
    {"final_norm", "false"},
    {"position_origin", "start"},
    {"max_history", "100"},
    {"loss", "bpr"},
    {"negatives", "1"},
    {"batch_size", "256"},
    {"learning_rate", "0.0001"},
    {"beta2", "0.999"},
};

// SASRec (Kang & McAuley 2018) close to its widely used PyTorch port; keys and values read the normalised
// input here.
const Values kSasrec = {
    {"blocks", "2"},
    {"heads", "1"},
    {"norm", "pre"},
    {"residual_from_norm", "true"},
    {"activation", "relu"},
    {"dropout", "0.2"},
    {"scale_embedding", "true"},
    {"embedding_norm", "false"},
    {"output_projection", "true"},
    {"final_norm", "true"},
    {"position_origin", "end"},
    {"max_history", "50"},
    {"loss", "bce"},
    {"negatives", "1"},
    {"batch_size", "128"},
    {"learning_rate", "0.001"},
    {"beta2", "0.98"},
};

}  // namespace

void ApplyModelDefaults(FlagSet& flags) {
  // What each model cannot be itself without, or was published with.
  const std::vector<std::pair<std::string, Values>> models = {
      {"sasrec", {}},
      {"cl4srec", {}},
      {"bert4rec", {{"attention", "bidirectional"}, {"loss", "softmax"}}},
      {"gru4rec", {{"backbone", "gru"}}},
      {"melu", {}},
      {"minet", {}}};
  const Values values = Choose(flags, "model", models);
  if (!values.empty()) flags.ApplyPreset("--model=" + flags.value("model"), values);
}

void ApplyPreset(FlagSet& flags) {
  const std::vector<std::pair<std::string, const Values*>> presets = {
      {"none", nullptr}, {"paper", &kPaper}, {"sasrec", &kSasrec}};
  const Values* values = Choose(flags, "preset", presets);
  if (values != nullptr) flags.ApplyPreset(flags.value("preset"), *values);
}

}  // namespace ppr::cli
