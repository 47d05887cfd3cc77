// The kinds of model that pretrain trains from scratch: each says in one entry what it is called, what it
// needs, what it refuses and what it has settings for (docs/models.md). Who builds and restores a kind asks
// its entry, not its name.
#pragma once

#include <string>
#include <vector>

#include "settings/names.h"
#include "settings/settings.h"

namespace ppr {
class Findings;
}

namespace ppr::stages {

struct PretrainConfig;

// The encoder of its own name, or a competitor (docs/notation.md).
enum class ModelKind { kSasrec, kCl4srec, kBert4rec, kGru4rec, kMelu, kMinet };

struct ModelKindEntry {
  ModelKind kind;
  std::string name;
  std::string topic;            // under which the help shows its settings; "" = it has none
  bool reads_profiles = false;  // whether or not a profile model is asked for
  bool scores_pairs = false;    // a user and an item together: no user vector stands for it
  bool hides_clicks = false;    // predicts hidden clicks from all the others, instead of next ones
  bool two_domains = false;     // reads another data set as well
  // What it cannot be itself without, or was published with; null = nothing.
  void (*set_defaults)(PretrainConfig& config) = nullptr;
  // Its own settings, in the section of its own; null = none.
  void (*describe)(settings::Settings& settings, PretrainConfig& config) = nullptr;
  std::string section;  // of stored configs, under "pretrain"
};

// All kinds, in the order of the help.
const std::vector<ModelKindEntry>& ModelKinds();
const ModelKindEntry& EntryOf(ModelKind kind);
const settings::NameTable<ModelKind>& NamesOf(ModelKind);

// What `config` asks of its kind that the kind cannot do.
void CheckModelKind(const PretrainConfig& config, Findings& findings);

}  // namespace ppr::stages
