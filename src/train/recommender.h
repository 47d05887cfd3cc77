// The whole model of a stage on one rank: sharded item table, encoder, and when tuning the prompt and profile
// models; and how packed batches run through it. What trains it is in training_step.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "dist/communicator.h"
#include "dist/row_exchange.h"
#include "model/dense_parameters.h"
#include "model/encoder.h"
#include "model/fused/fused_encoder.h"
#include "model/item_table.h"
#include "model/prompt.h"
#include "train/packed_batch.h"

namespace ppr::train {

// Which profile fields the prompt and profile models read, and how many codes each has.
struct ProfileInput {
  std::vector<std::string> names;
  std::vector<int64_t> columns;           // of Dataset::profiles
  std::vector<int64_t> vocabulary_sizes;  // code 0 (missing) included
};
// `names` empty = all fields of the dataset. ConfigError with the nearest name for unknown ones.
ProfileInput MakeProfileInput(const data::Dataset& dataset, const std::vector<std::string>& names);

class Recommender {
 public:
  // Initial values depend on (seed, name, id) alone. `prompt` absent = no tuning parts. `communicator` must
  // outlive this. The encoder's parameters come first in the flat buffer, the new ones after them.
  Recommender(dist::Communicator& communicator, const model::EncoderConfig& encoder,
              const std::optional<model::PromptConfig>& prompt, const ProfileInput& profile,
              int64_t num_items, uint64_t seed);

  // Starts as kAuto. ConfigError, saying why, when kFused is asked for and cannot be.
  void UseCompute(ComputePath path);
  model::FusedEncoder* fused() { return fused_.get(); }  // null on the reference path

  // The parts of a batch that come from profiles.
  struct ProfileParts {
    at::Tensor
        prompts;  // [views * num_users * n, d] prompt tokens, view after view; undefined without prompts
    at::Tensor profiles;  // [num_users, d] u_a of Eq. 4; undefined without a profile model
  };
  // mask_keys and profile_mask_ratio: for the prompts of View::kMaskedProfile, when there is such a view.
  ProfileParts MakeProfileParts(const PackedBatch& batch, const data::Dataset& dataset,
                                const std::vector<View>& augmented, const at::Tensor& mask_keys,
                                double profile_mask_ratio) const;

  // What one pass over a batch gives.
  struct Encoded {
    at::Tensor tokens;    // [T, d] the encoder's output
    at::Tensor profiles;  // [num_users, d] u_a of Eq. 4; undefined without a profile model
  };

  // rows [U, d]: the batch's item rows; row_of_id: the rows of its item tokens, in their order (and more,
  // which is ignored).
  Encoded Encode(const PackedBatch& batch, const at::Tensor& rows, const std::vector<int64_t>& row_of_id,
                 const ProfileParts& parts, model::DropoutState dropout) const;
  // The inputs of the fused path: where each token's row is. item_rows: of the item tokens, in their order.
  void PointAtInputs(const PackedBatch& batch, const std::vector<const float*>& item_rows,
                     const ProfileParts& parts, std::vector<const float*>* inputs) const;

  // u_s of `view` for every user: the encoder's output at its last token, 0 where it has none. [num_users,
  // d].
  at::Tensor LastOutputs(const PackedBatch& batch, const Encoded& encoded, int64_t view) const;
  // u_p = u_s + u_a at each target's read-out. [N, d].
  at::Tensor TargetUsers(const PackedBatch& batch, const Encoded& encoded) const;

  // Collective. Evaluation: u_p [n, d] of users whose clicks [begin, end) are known, without gradients or
  // dropout. All ranks call it the same number of times; n may be 0.
  at::Tensor UserVectors(const data::Dataset& dataset, std::span<const ClickSequence> sequences);

  const model::Encoder& encoder() const { return *encoder_; }
  const model::PromptModel* prompt() const { return prompt_.get(); }
  const ProfileInput& profile() const { return profile_; }
  model::DenseParameters& parameters() { return parameters_; }
  model::ItemTable& table() { return table_; }
  dist::RowExchange& exchange() { return exchange_; }
  dist::Communicator& communicator() { return communicator_; }
  int64_t prompt_tokens() const { return prompt_ ? prompt_->config().num_tokens : 0; }

 private:
  at::Tensor ProfileCodes(const PackedBatch& batch,
                          const data::Dataset& dataset) const;  // [num_users, m] int64
  at::Tensor PromptsOfViews(const PackedBatch& batch, const at::Tensor& codes,
                            const std::vector<View>& augmented, const at::Tensor& mask_keys,
                            double profile_mask_ratio) const;

  dist::Communicator& communicator_;
  ProfileInput profile_;
  at::Tensor zero_row_;  // [d], what a masked token reads
  model::DenseParameters parameters_;
  std::unique_ptr<model::Encoder> encoder_;
  std::unique_ptr<model::FusedEncoder> fused_;  // null on the reference path
  std::unique_ptr<model::PromptModel> prompt_;
  model::ItemTable table_;
  dist::RowExchange exchange_;
};

}  // namespace ppr::train
