// What training steps minimise. An objective packs a rank's share of a global batch into a gradient pass,
// which says which item rows it reads and computes the loss and its gradients; the step (training_step.h)
// moves rows and gradients and optimises.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "data/batches.h"
#include "dist/communicator.h"
#include "train/gradient_pass.h"

namespace ppr::train {

// The sequences of a step, the same on all ranks. They must stay valid during a call that takes them.
struct GlobalBatch {
  int64_t epoch = 0, step = 0;
  std::span<const data::TrainingSequence> sequences;
};

class Objective {
 public:
  virtual ~Objective() = default;
  // Targets of a global batch; the same on all ranks. Local.
  virtual int64_t NumTargets(const GlobalBatch& batch) const = 0;
  // This rank's share, ready to compute. `trains_rows`: the item table is not frozen. The objective must
  // outlive the pass. Local; may run while another batch computes.
  virtual std::unique_ptr<GradientPass> Pack(const GlobalBatch& batch, bool trains_rows) = 0;
  // The loss has a gradient for every row of the table.
  virtual bool reads_whole_table() const { return false; }
  // Tokens that every sequence gets besides its clicks: what dealing counts.
  virtual int64_t prefix_tokens() const { return 0; }

 protected:
  // The sequences of a global batch that this rank packs.
  std::vector<data::TrainingSequence> DealtTo(const dist::Communicator& communicator,
                                              const GlobalBatch& batch) const {
    std::vector<data::TrainingSequence> mine;
    for (const int64_t index :
         data::DealByTokens(batch.sequences, prefix_tokens(), communicator.size(), communicator.rank())) {
      mine.push_back(batch.sequences[static_cast<size_t>(index)]);
    }
    return mine;
  }
};

}  // namespace ppr::train
