#include "stages/model_kinds.h"

#include <algorithm>

#include "base/errors.h"
#include "base/findings.h"
#include "model/losses/registry.h"
#include "stages/stage_config.h"

namespace ppr::stages {
namespace {

using settings::NameOf;
using settings::Settings;

// MeLU and MiNet: one negative of each target's own, no fused kernels, a loss of pairs.
void CheckPairScorer(const PretrainConfig& config, Findings& findings) {
  const train::TrainingConfig& training = config.training;
  const std::string name = NameOf(config.kind);
  findings.Expect(training.negatives == 1, "negatives", "1 for " + name, std::to_string(training.negatives));
  findings.Expect(training.negative_sharing == recommender::NegativeSharing::kOwn, "negative_sharing",
                  "own for " + name, NameOf(training.negative_sharing));
  findings.Expect(training.compute != model::ComputePath::kFused, "compute", "auto or reference for " + name,
                  NameOf(training.compute));
  findings.Expect(model::FactsOf(training.loss).scores_pairs, "loss", "bpr or bce for " + name,
                  NameOf(training.loss));
}

}  // namespace

const std::vector<ModelKindEntry>& ModelKinds() {
  static const std::string kSequences = "CL4SRec and BERT4Rec", kPairs = "MeLU and MiNet";
  static const std::vector<ModelKindEntry> kinds = {
      {.kind = ModelKind::kSasrec, .name = "sasrec"},
      {.kind = ModelKind::kCl4srec,
       .name = "cl4srec",
       .topic = kSequences,
       .describe = [](Settings& settings,
                      PretrainConfig& config) { Describe(settings, config.augmentation); },
       .section = "pair"},
      {.kind = ModelKind::kBert4rec,
       .name = "bert4rec",
       .topic = kSequences,
       .hides_clicks = true,
       .set_defaults =
           [](PretrainConfig& config) {
             config.encoder.attention = model::AttentionSpan::kBidirectional;
             config.training.loss = model::NextItemLoss::kSoftmax;
           },
       .describe = [](Settings& settings, PretrainConfig& config) { Describe(settings, config.masked); },
       .section = "masked"},
      {.kind = ModelKind::kGru4rec,
       .name = "gru4rec",
       .set_defaults = [](PretrainConfig& config) { config.encoder.backbone = model::Backbone::kGru; }},
      {.kind = ModelKind::kMelu,
       .name = "melu",
       .topic = kPairs,
       .reads_profiles = true,
       .scores_pairs = true,
       .describe = [](Settings& settings, PretrainConfig& config) { Describe(settings, config.melu); },
       .section = "melu"},
      {.kind = ModelKind::kMinet,
       .name = "minet",
       .topic = kPairs,
       .reads_profiles = true,
       .scores_pairs = true,
       .two_domains = true,
       .describe = [](Settings& settings, PretrainConfig& config) { Describe(settings, config.minet); },
       .section = "minet"}};
  return kinds;
}

const ModelKindEntry& EntryOf(ModelKind kind) {
  const auto found = std::find_if(ModelKinds().begin(), ModelKinds().end(),
                                  [&](const ModelKindEntry& entry) { return entry.kind == kind; });
  PPR_BUG_IF_NOT(found != ModelKinds().end(), "a kind of model without an entry");
  return *found;
}

const settings::NameTable<ModelKind>& NamesOf(ModelKind) {
  static const settings::NameTable<ModelKind> names = [] {
    settings::NameTable<ModelKind> table;
    for (const ModelKindEntry& entry : ModelKinds()) table.emplace_back(entry.name, entry.kind);
    return table;
  }();
  return names;
}

void CheckModelKind(const PretrainConfig& config, Findings& findings) {
  const ModelKindEntry& entry = EntryOf(config.kind);
  if (entry.scores_pairs) CheckPairScorer(config, findings);
  const bool bidirectional = config.encoder.attention == model::AttentionSpan::kBidirectional;
  findings.Expect(
      bidirectional == entry.hides_clicks, "attention",
      entry.hides_clicks ? "bidirectional, for " + entry.name : "causal: next items are predicted",
      NameOf(config.encoder.attention));
  findings.Expect(!bidirectional || config.encoder.max_history >= 2, "max_history",
                  "at least 2, one of them for the mask", std::to_string(config.encoder.max_history));
  const bool is_gru = config.kind == ModelKind::kGru4rec;
  findings.Expect((config.encoder.backbone == model::Backbone::kGru) == is_gru, "backbone",
                  is_gru ? "gru, for " + entry.name : "transformer", NameOf(config.encoder.backbone));
  findings.Expect(config.source_dataset.empty() != entry.two_domains, "source_dataset",
                  entry.two_domains ? "the other domain's dataset.h5" : "nothing unless --model=minet",
                  config.source_dataset);
}

}  // namespace ppr::stages
