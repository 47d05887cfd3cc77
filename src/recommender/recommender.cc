#include "recommender/recommender.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "base/errors.h"
#include "model/encoder.h"
#include "model/gather_rows.h"

namespace ppr::recommender {
namespace {

constexpr int64_t kZeroRow = -1;  // what GatherRows takes for a row of zeros

}  // namespace

Recommender::Recommender(dist::Communicator& communicator, const model::EncoderConfig& encoder,
                         const std::optional<model::PromptConfig>& prompt, const ProfileInput& profile,
                         int64_t num_items, uint64_t seed, int64_t classes)
    : ShardedModel(communicator, num_items, encoder.width, encoder.init_std, seed),
      profile_(profile),
      zero_row_(at::zeros({encoder.width}, at::kFloat)),
      encoder_(model::MakeSequenceEncoder(encoder, parameters_)) {
  if (prompt) {
    prompt_ =
        std::make_unique<model::PromptModel>(*prompt, encoder.width, profile.vocabulary_sizes, parameters_);
  }
  if (classes > 0)
    classifier_ = std::make_unique<model::ProfileClassifier>(encoder.width, classes, parameters_);
  parameters_.Allocate();
  UseCompute(model::ComputePath::kAuto);
}

void Recommender::UseCompute(model::ComputePath path) {
  const std::string obstacle = model::FusedEncoder::Obstacle(encoder_->config());
  if (path == model::ComputePath::kFused && !obstacle.empty()) {
    throw ConfigError("compute: expected an encoder that the fused kernels can run, found that " + obstacle +
                      "; give --compute=auto or reference");
  }
  fused_.reset();
  if (path == model::ComputePath::kReference || !obstacle.empty()) return;
  const auto* const transformer = dynamic_cast<const model::Encoder*>(encoder_.get());
  PPR_BUG_IF_NOT(transformer != nullptr, "the fused kernels run Transformers alone");
  fused_ = std::make_unique<model::FusedEncoder>(*transformer, parameters_);
}

void Recommender::AppendState(checkpoint::TrainingState* state) const {
  ShardedModel::AppendState(state);
  if (user_vectors_.defined()) state->push_back({"users/vectors", user_vectors_});
}

PackingRules Recommender::packing(uint64_t seed) const {
  const model::EncoderConfig& config = encoder_->config();
  return {.max_history = config.max_history,
          .position_origin = config.position_origin,
          .prompt_tokens = prompt_tokens(),
          .seed = seed,
          .mask_at_end = config.attention == model::AttentionSpan::kBidirectional};
}

at::Tensor Recommender::UserVectorsOf(const PackedBatch& batch) const {
  const model::PromptConfig& config = prompt_->config();
  if (!config.user_vectors && config.kind != model::PromptKind::kUserVector) return {};
  PPR_BUG_IF_NOT(user_vectors_.defined(), "the prompt reads user vectors, and there are none");
  const std::vector<int64_t> users(batch.users.begin(), batch.users.end());
  return user_vectors_.index_select(0, at::tensor(users, at::kLong));
}

// Prompt tokens of all views, view after view: [views * num_users * n, d].
at::Tensor Recommender::PromptsOfViews(const PackedBatch& batch, const at::Tensor& features,
                                       const std::vector<View>& augmented, const at::Tensor& mask_keys,
                                       double profile_mask_ratio) const {
  const at::Tensor prompts = prompt_->Prompts(features);  // [B, n, d]
  std::vector<at::Tensor> views = {prompts};
  for (const View view : augmented) {
    const bool masks = view == View::kMaskedProfile;
    views.push_back(
        masks ? prompt_->Prompts(model::PromptModel::MaskElements(features, mask_keys, profile_mask_ratio))
              : prompts);
  }
  return at::cat(views).view(
      {batch.num_views * batch.num_users * batch.prompt_tokens, encoder_->config().width});
}

Recommender::ProfileParts Recommender::MakeProfileParts(const PackedBatch& batch,
                                                        const data::Dataset& dataset,
                                                        const std::vector<View>& augmented,
                                                        const at::Tensor& mask_keys,
                                                        double profile_mask_ratio) const {
  ProfileParts parts;
  if (!prompt_) return parts;
  const at::Tensor codes = ProfileCodes(dataset, profile_, batch.users);
  const at::Tensor vectors = UserVectorsOf(batch);
  if (batch.prompt_tokens > 0) {
    parts.prompts = PromptsOfViews(batch, prompt_->PromptFeatures(codes, vectors), augmented, mask_keys,
                                   profile_mask_ratio);
  }
  if (prompt_->config().use_profile_model) parts.profiles = prompt_->ProfileVectors(codes, vectors);
  return parts;
}

Recommender::Encoded Recommender::Encode(const PackedBatch& batch, const at::Tensor& rows,
                                         const std::vector<int64_t>& row_of_id, const ProfileParts& parts,
                                         model::DropoutState dropout) const {
  // Sources of token inputs, stacked: item rows, prompts, then the encoder's mask.
  std::vector<at::Tensor> stacked = {rows};
  if (parts.prompts.defined()) stacked.push_back(parts.prompts);
  int64_t mask_row = kZeroRow;
  if (const at::Tensor mask = encoder_->mask_token(); mask.defined()) {
    mask_row = rows.size(0) + (parts.prompts.defined() ? parts.prompts.size(0) : 0);
    stacked.push_back(mask.unsqueeze(0));
  }
  const at::Tensor sources = stacked.size() == 1 ? rows : at::cat(stacked);
  std::vector<int64_t> source;
  source.reserve(batch.token_items.size());
  auto next_row = row_of_id.begin();
  for (const int64_t item : batch.token_items) {
    source.push_back(item > 0               ? *next_row++
                     : item == kMaskedToken ? mask_row
                                            : rows.size(0) + PromptOf(item));
  }
  const at::Tensor inputs = model::GatherRows(sources, at::tensor(source, at::kLong));  // [T, d]
  return {fused_ ? fused_->Forward(inputs, batch.layout, dropout)
                 : encoder_->Forward(inputs, batch.layout, dropout),
          parts.profiles};
}

void Recommender::PointAtInputs(const PackedBatch& batch, const std::vector<const float*>& item_rows,
                                const ProfileParts& parts, std::vector<const float*>* inputs) const {
  const float* const prompts = parts.prompts.defined() ? parts.prompts.const_data_ptr<float>() : nullptr;
  const float* const zeros = zero_row_.const_data_ptr<float>();
  inputs->clear();
  auto next_row = item_rows.begin();
  for (const int64_t item : batch.token_items) {
    inputs->push_back(item > 0               ? *next_row++
                      : item == kMaskedToken ? zeros
                                             : prompts + PromptOf(item) * zero_row_.numel());
  }
}

at::Tensor Recommender::LastOutputs(const PackedBatch& batch, const Encoded& encoded, int64_t view) const {
  const at::Tensor last = at::tensor(batch.last_token, at::kLong);
  return model::GatherRows(encoded.tokens, last.narrow(0, view * batch.num_users, batch.num_users));
}

at::Tensor Recommender::TargetUsers(const PackedBatch& batch, const Encoded& encoded) const {
  const at::Tensor sequential =
      model::GatherRows(encoded.tokens, at::tensor(batch.target_token, at::kLong));  // u_s
  if (!encoded.profiles.defined()) return sequential;
  return sequential + model::GatherRows(encoded.profiles, at::tensor(batch.target_sequence, at::kLong));
}

at::Tensor Recommender::UserVectors(const data::Dataset& dataset, std::span<const ClickSequence> sequences) {
  const c10::NoGradGuard no_gradients;
  const PackedBatch batch = PackForReading(dataset, packing(), sequences);
  std::vector<int64_t> ids, row_of_id;
  for (const int64_t item : batch.token_items) {
    if (item > 0) ids.push_back(item);
  }
  const dist::ExchangePlan plan = exchange_.MakePlan(ids, &row_of_id);
  const at::Tensor rows = exchange_.Fetch(plan, table_.rows);
  const ProfileParts parts = MakeProfileParts(batch, dataset, {}, {}, 0);
  at::Tensor users;  // u_s
  if (fused_) {
    std::vector<const float*> item_rows, inputs;
    for (const int64_t row : row_of_id) item_rows.push_back(rows.const_data_ptr<float>() + row * width());
    PointAtInputs(batch, item_rows, parts, &inputs);
    users = fused_->ForwardLast(inputs, batch.layout);
  } else {
    users = LastOutputs(batch, Encode(batch, rows, row_of_id, parts, {.active = false}), 0);
  }
  return parts.profiles.defined() ? users + parts.profiles : users;
}

}  // namespace ppr::recommender
