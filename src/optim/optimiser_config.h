// Which optimisers there are, and their settings. A new one is its own files, a kind here and an entry in
// optimiser_config.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "optim/adam_config.h"
#include "settings/settings.h"

namespace ppr::model {
class DenseParameters;
}

namespace ppr::optim {

class DenseOptimiser;
class RowOptimiser;

enum class OptimiserKind {
  // Exact on rows that were skipped (adam.h).
  kAdam,
  // Adam with decoupled weight decay, exact in the same way (adamw.h).
  kAdamW,
};

const settings::NameTable<OptimiserKind>& NamesOf(OptimiserKind);

struct OptimiserConfig {
  OptimiserKind kind = OptimiserKind::kAdam;
  AdamConfig adam;          // betas and epsilon, of all kinds that have moments
  double weight_decay = 0;  // decoupled, in [0, 1]; of kAdamW alone

  // What cannot work, one sentence each; empty when all is well.
  std::vector<std::string> Problems() const;
};

// Under the topic and in the section of the moment. What another optimiser than Adam is set to is stored with
// it alone, so that configs of Adam are those of before there were others.
void Describe(settings::Settings& settings, OptimiserConfig& config);

struct OptimiserEntry {
  const char* name;  // as settings spell it
  std::unique_ptr<DenseOptimiser> (*make_dense)(const OptimiserConfig& config,
                                                const model::DenseParameters& parameters);
  std::unique_ptr<RowOptimiser> (*make_rows)(const OptimiserConfig& config, const LearningRate& rate,
                                             int64_t num_rows, int64_t width);
};

const OptimiserEntry& EntryOf(OptimiserKind kind);

}  // namespace ppr::optim
