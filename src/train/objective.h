// What training steps minimise. An objective packs a rank's share of a global batch, says which item rows it
// reads, and makes the loss of them; the step (training_step.h) moves rows and gradients and optimises.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "data/batches.h"
#include "dist/communicator.h"

namespace ppr::train {

class OnePass;

// A batch to come: its global sequences, the same on all ranks. `sequences` must stay valid during the call.
struct Upcoming {
  int64_t epoch = 0, step = 0;
  std::span<const data::TrainingSequence> sequences;
};

class Objective {
 public:
  // A rank's packed share of a batch.
  struct Share {
    virtual ~Share() = default;
    std::vector<int64_t> ids;  // the items whose rows it reads, repeats allowed
  };

  // What the loss is made of.
  struct Inputs {
    int64_t step = 0;
    int64_t global_users = 0, global_targets = 0;  // sequences and targets of the global batch
    const Share& share;
    const at::Tensor& rows;                 // [U, d] distinct rows of the share's items
    const std::vector<int64_t>& row_of_id;  // of each of share.ids, its row
    const at::Tensor& shard;  // [S, d] this rank's part of the table; undefined unless reads_whole_table()
  };
  struct Losses {
    at::Tensor total;          // what backward starts from: scaled by the global counts
    double loss_sum = 0;       // main loss over this rank's targets
    double auxiliary_sum = 0;  // contrastive loss over this rank's sequences; unweighted
    bool finite = true;        // gradients that the step cannot see for itself
  };

  virtual ~Objective() = default;
  // Targets of a global batch; the same on all ranks. Local.
  virtual int64_t NumTargets(const Upcoming& upcoming) const = 0;
  // Local; may run while another batch computes.
  virtual std::unique_ptr<Share> Pack(const Upcoming& upcoming) const = 0;
  // Forward, differentiable in rows, shard and parameters. Collective where the loss spans the global batch.
  virtual Losses Compute(const Inputs& inputs) = 0;
  // The loss has a gradient for every row of the table.
  virtual bool reads_whole_table() const { return false; }
  // Tokens that every sequence gets besides its clicks: what dealing counts.
  virtual int64_t prefix_tokens() const { return 0; }
  // The fused way around Compute(), for a loss that needs no other sequence's; null = there is none. Its
  // shares are PackedShares.
  virtual OnePass* one_pass() { return nullptr; }

 protected:
  // The sequences of a global batch that this rank packs.
  std::vector<data::TrainingSequence> DealtTo(const dist::Communicator& communicator,
                                              const Upcoming& upcoming) const {
    std::vector<data::TrainingSequence> mine;
    for (const int64_t index :
         data::DealByTokens(upcoming.sequences, prefix_tokens(), communicator.size(), communicator.rank())) {
      mine.push_back(upcoming.sequences[static_cast<size_t>(index)]);
    }
    return mine;
  }
};

}  // namespace ppr::train
