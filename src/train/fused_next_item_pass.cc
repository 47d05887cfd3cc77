#include "train/fused_next_item_pass.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>

#include "model/fused/inline.h"
#include "model/fused/workspace.h"

namespace ppr::train {
namespace {

constexpr int64_t kPlacesPerTask = 4096;
constexpr int64_t kRowsPerTask = 64;

}  // namespace

FusedNextItemPass::FusedNextItemPass(recommender::Recommender& recommender, const data::Dataset& dataset,
                                     const StepRules& rules)
    : recommender_(recommender), dataset_(dataset), rules_(rules) {
  targets_.loss = LossOf(rules, dataset.num_items());
  targets_.negatives = rules.negatives;
}

// The tables of the kernels from the packed batch's; candidates are item_rows_ behind the tokens'.
void FusedNextItemPass::MakeTargets(const recommender::PackedBatch& packed, int64_t global_targets) {
  const size_t sequences = packed.users.size(), count = packed.positives.size();
  const auto negatives = static_cast<size_t>(rules_.negatives);
  targets_.scale = 1.0 / static_cast<double>(global_targets);
  targets_.tokens = packed.target_token;
  targets_.offsets.assign(sequences + 1, 0);
  for (const int64_t sequence : packed.target_sequence) ++targets_.offsets[static_cast<size_t>(sequence) + 1];
  for (size_t b = 0; b < sequences; ++b) targets_.offsets[b + 1] += targets_.offsets[b];
  const bool shares = rules_.negative_sharing == recommender::NegativeSharing::kBatch;
  const size_t own = shares ? 0 : negatives;  // of each target
  const float* const* const candidates = item_rows_.data() + packed.num_item_tokens();
  targets_.candidates.resize(count * (1 + own));
  for (size_t n = 0; n < count; ++n) {
    const float** const to = targets_.candidates.data() + n * (1 + own);
    to[0] = candidates[n];
    std::copy_n(candidates + count + n * own, own, to + 1);
  }
  if (!shares) {
    targets_.excluded_offsets.assign(sequences + 1, 0);
    return;
  }
  targets_.excluded_offsets = packed.clicked_offsets;
  targets_.excluded = packed.clicked_negatives;
  const int64_t width = recommender_.encoder().config().width;
  model::fused::Reshape(targets_.shared, {rules_.negatives, width});
  for (size_t k = 0; k < negatives; ++k) {
    std::copy_n(candidates[count + k], width,
                targets_.shared.mutable_data_ptr<float>() + static_cast<int64_t>(k) * width);
  }
}

void FusedNextItemPass::PointAtRows(const dist::ExchangePlan& plan, const at::Tensor& fetched,
                                    const std::vector<int64_t>& row_of_id) {
  const at::Tensor& table = recommender_.table().rows;
  const int64_t width = table.size(1);
  const int64_t* const own_slots = plan.asked_slots.const_data_ptr<int64_t>() + plan.own_asked_first;
  rows_.resize(plan.ids.size());
  for (int64_t i = 0; i < static_cast<int64_t>(plan.ids.size()); ++i) {
    rows_[static_cast<size_t>(i)] =
        plan.IsOwn(i) ? table.const_data_ptr<float>() + own_slots[i - plan.own_first] * width
                      : fetched.const_data_ptr<float>() + plan.AmongOthers(i) * width;
  }
  item_rows_.resize(row_of_id.size());
  for (size_t i = 0; i < row_of_id.size(); ++i) item_rows_[i] = rows_[static_cast<size_t>(row_of_id[i])];
}

BatchLosses FusedNextItemPass::Run(const recommender::PackedBatch& packed, const model::InvertedIndex& places,
                                   int64_t global_targets, const model::SideWork& meanwhile) {
  places_of_rows_ = &places;
  const recommender::Recommender::ProfileParts parts =
      recommender_.MakeProfileParts(packed, dataset_, {}, {}, 0);
  recommender_.PointAtInputs(packed, item_rows_, parts, &inputs_);
  targets_.profiles = parts.profiles.defined() ? parts.profiles.detach().contiguous() : at::Tensor();
  MakeTargets(packed, global_targets);

  model::FusedEncoder& fused = *recommender_.fused();
  const model::DropoutState dropout{.active = recommender_.encoder().config().dropout > 0};
  const model::NextItemGradients& gradients =
      fused.NextItemPass(inputs_, packed.layout, dropout, targets_, meanwhile);
  ReturnToProfiles(packed, parts, gradients);
  if (rules_.train_pretrained) PointAtParts(packed, gradients);
  // Row gradients are made of the inputs' and the read-outs.
  return {.loss_sum = gradients.loss_sum, .finite = std::isfinite(gradients.loss_sum) && gradients.finite};
}

void FusedNextItemPass::ReturnToProfiles(const recommender::PackedBatch& packed,
                                         const recommender::Recommender::ProfileParts& parts,
                                         const model::NextItemGradients& gradients) const {
  std::vector<at::Tensor> outputs, of_outputs;
  if (parts.prompts.defined()) {
    at::Tensor of_prompts = at::empty_like(parts.prompts);
    const int64_t width = of_prompts.size(1);
    const float* const from = gradients.inputs.const_data_ptr<float>();
    float* const to = of_prompts.mutable_data_ptr<float>();
    for (size_t t = 0; t < packed.token_items.size(); ++t) {
      const int64_t item = packed.token_items[t];
      if (item < 0)
        std::copy_n(from + static_cast<int64_t>(t) * width, width, to + recommender::PromptOf(item) * width);
    }
    outputs.push_back(parts.prompts);
    of_outputs.push_back(of_prompts);
  }
  if (parts.profiles.defined()) {
    outputs.push_back(parts.profiles);
    of_outputs.push_back(gradients.profiles);
  }
  if (!outputs.empty()) torch::autograd::backward(outputs, of_outputs);
}

void FusedNextItemPass::PointAtParts(const recommender::PackedBatch& packed,
                                     const model::NextItemGradients& gradients) {
  const std::vector<int64_t>& place_at = places_of_rows_->places;
  const auto places = static_cast<int64_t>(place_at.size());
  std::vector<int64_t> token_of_item;  // of the item tokens
  for (size_t t = 0; t < packed.token_items.size(); ++t) {
    if (packed.token_items[t] > 0) token_of_item.push_back(static_cast<int64_t>(t));
  }
  const auto item_tokens = static_cast<int64_t>(token_of_item.size());
  const int64_t count = packed.num_targets(), width = gradients.inputs.size(1);
  const int64_t own = gradients.coefficients.size(1) - 1;  // negatives of each target
  const float* const inputs = gradients.inputs.const_data_ptr<float>();
  const float* const users = gradients.users.const_data_ptr<float>();
  const float* const coefficients = gradients.coefficients.const_data_ptr<float>();
  part_rows_.resize(static_cast<size_t>(places));
  part_factors_.resize(static_cast<size_t>(places));
  at::parallel_for(0, places, kPlacesPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t place = place_at[static_cast<size_t>(i)];
      const int64_t candidate = place - item_tokens, negative = candidate - count;
      const float*& row = part_rows_[static_cast<size_t>(i)];
      float& factor = part_factors_[static_cast<size_t>(i)];
      factor = 1;
      if (candidate < 0) {
        row = inputs + token_of_item[static_cast<size_t>(place)] * width;
      } else if (negative >= 0 && own == 0) {
        row = gradients.shared.const_data_ptr<float>() + negative * width;
      } else {
        const int64_t target = negative < 0 ? candidate : negative / own;
        row = users + target * width;
        factor = coefficients[target * (1 + own) + (negative < 0 ? 0 : 1 + negative % own)];
      }
    }
  });
}

void FusedNextItemPass::RowGradient(int64_t row, float* gradient) const {
  const auto first = static_cast<size_t>(places_of_rows_->starts[static_cast<size_t>(row)]);
  const auto last = static_cast<size_t>(places_of_rows_->starts[static_cast<size_t>(row) + 1]);
  const int64_t width = recommender_.encoder().config().width;
  // Half of the parts were written by other cores: ask for those of the rows to come as well.
  constexpr size_t kAhead = 12;
  const size_t to_ask = std::min(last + kAhead, part_rows_.size());
  for (size_t i = std::min(first + kAhead, to_ask); i < to_ask; ++i)
    model::fused::PrefetchRow(part_rows_[i], width);
  recommender_.fused()->kernels().weighted_sum(part_rows_.data() + first, part_factors_.data() + first,
                                               static_cast<int64_t>(last - first), width, gradient);
}

at::Tensor FusedNextItemPass::RowGradientsWithout(int64_t first, int64_t count) {
  const int64_t width = recommender_.encoder().config().width;
  const int64_t rows = static_cast<int64_t>(places_of_rows_->starts.size()) - 1 - count;
  model::fused::Reshape(row_gradients_, {rows, width});
  float* const to = row_gradients_.mutable_data_ptr<float>();
  at::parallel_for(0, rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) RowGradient(i < first ? i : i + count, to + i * width);
  });
  return row_gradients_;
}

void FusedNextItemPass::SumOverRanks(const dist::ExchangePlan& plan, const at::Tensor& of_others, int64_t g,
                                     float* gradient) const {
  if (plan.touched_starts.empty()) return RowGradient(g, gradient);  // one rank: the rows are the slots
  const int64_t width = of_others.size(1);
  const float* const received = of_others.const_data_ptr<float>();
  const auto first = static_cast<size_t>(plan.touched_starts[static_cast<size_t>(g)]);
  const auto last = static_cast<size_t>(plan.touched_starts[static_cast<size_t>(g) + 1]);
  std::fill_n(gradient, width, 0.0F);
  for (size_t i = first; i < last; ++i) {
    const int64_t place = plan.touched_places[i];
    if (plan.IsOwnAsked(place)) RowGradient(plan.own_first + place - plan.own_asked_first, gradient);
  }
  for (size_t i = first; i < last; ++i) {
    const int64_t place = plan.touched_places[i];
    if (plan.IsOwnAsked(place)) continue;
    const float* const part = received + plan.AskedAmongOthers(place) * width;
    for (int64_t c = 0; c < width; ++c) gradient[c] += part[c];
  }
}

// One batch on its way through the pass.
class FusedNextItemPass::Batch : public GradientPass {
 public:
  Batch(FusedNextItemPass& pass, recommender::PackedBatch packed, std::vector<int64_t> ids)
      : GradientPass(std::move(ids)), pass_(pass), packed_(std::move(packed)) {}

  void PlaceIds(std::vector<int64_t> row_of_id, int64_t rows) override {
    row_of_id_ = std::move(row_of_id);
    if (!pass_.rules_.train_pretrained) return;
    places_ = model::InvertedIndex(row_of_id_.data(), static_cast<int64_t>(row_of_id_.size()), rows);
  }

  dist::PendingRows BeginFetch(const dist::ExchangePlan& plan) override {
    return exchange().BeginFetchOthers(plan, pass_.recommender_.table().rows);
  }

  BatchLosses Compute(const BatchCounts& counts, const dist::ExchangePlan& plan, const at::Tensor& fetched,
                      const model::SideWork& meanwhile) override {
    pass_.PointAtRows(plan, fetched, row_of_id_);
    return pass_.Run(packed_, places_, counts.global_targets, meanwhile);
  }

  RowGradients ReturnRowGradients(const dist::ExchangePlan& plan, StepTimes& times) override {
    times.Enter(StepPhase::kTable);
    const at::Tensor for_others = pass_.RowGradientsWithout(plan.own_first, plan.own_count);
    times.Enter(StepPhase::kExchange);
    const at::Tensor of_others = exchange().ReturnToOthers(plan, for_others);
    return {plan.touched_slots, [this, &plan, of_others](int64_t i, float* gradient) {
              pass_.SumOverRanks(plan, of_others, i, gradient);
            }};
  }

 private:
  dist::RowExchange& exchange() { return pass_.recommender_.exchange(); }

  FusedNextItemPass& pass_;
  const recommender::PackedBatch packed_;
  std::vector<int64_t> row_of_id_;
  model::InvertedIndex places_;  // of each distinct row in row_of_id_; of trained rows
};

std::unique_ptr<GradientPass> FusedNextItemPass::Take(recommender::PackedBatch packed,
                                                      std::vector<int64_t> ids) {
  return std::make_unique<Batch>(*this, std::move(packed), std::move(ids));
}

}  // namespace ppr::train
