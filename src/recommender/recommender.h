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
#include "model/compute_path.h"
#include "model/fused/fused_encoder.h"
#include "model/profile_classifier.h"
#include "model/prompt.h"
#include "model/sequence_encoder.h"
#include "recommender/packed_batch.h"
#include "recommender/profile_input.h"
#include "recommender/sharded_model.h"

namespace ppr::recommender {

class Recommender : public ShardedModel {
 public:
  // `prompt` absent = no tuning parts; classes > 0: a classifier of a profile value with so many values. The
  // encoder's parameters come first in the flat buffer, the new ones after them.
  Recommender(dist::Communicator& communicator, const model::EncoderConfig& encoder,
              const std::optional<model::PromptConfig>& prompt, const ProfileInput& profile,
              int64_t num_items, uint64_t seed, int64_t classes = 0);

  // Starts as kAuto. ConfigError, saying why, when kFused is asked for and cannot be.
  void UseCompute(model::ComputePath path);
  model::FusedEncoder* fused() { return fused_.get(); }  // null on the reference path

  // What users are in another domain: [U, d] f32, of the dataset's users in their order; zeros for those it
  // does not have. Needed before use when the prompt configuration reads them.
  void SetUserVectors(at::Tensor vectors) { user_vectors_ = std::move(vectors); }
  const at::Tensor& user_vectors() const { return user_vectors_; }

  // Also the user vectors, where there are any.
  void AppendState(checkpoint::TrainingState* state) const override;

  // How sequences are packed for this model.
  PackingRules packing(uint64_t seed = 0) const;

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

  const model::SequenceEncoder& encoder() const { return *encoder_; }
  const model::PromptModel* prompt() const { return prompt_.get(); }
  const model::ProfileClassifier* classifier() const { return classifier_.get(); }
  const ProfileInput& profile() const { return profile_; }
  int64_t prompt_tokens() const { return prompt_ ? prompt_->config().num_tokens : 0; }

 private:
  at::Tensor UserVectorsOf(const PackedBatch& batch) const;  // [num_users, d], or undefined
  at::Tensor PromptsOfViews(const PackedBatch& batch, const at::Tensor& features,
                            const std::vector<View>& augmented, const at::Tensor& mask_keys,
                            double profile_mask_ratio) const;

  ProfileInput profile_;
  at::Tensor zero_row_;  // [d], what a masked token reads on the fused path
  std::unique_ptr<model::SequenceEncoder> encoder_;
  std::unique_ptr<model::FusedEncoder> fused_;  // null on the reference path
  std::unique_ptr<model::PromptModel> prompt_;
  std::unique_ptr<model::ProfileClassifier> classifier_;
  at::Tensor user_vectors_;
};

}  // namespace ppr::recommender
