#include "train/packed_batch.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/errors.h"
#include "base/random.h"

namespace ppr::train {
namespace {

// Grows a packed batch sequence by sequence.
class Packer {
 public:
  Packer(const data::Dataset& dataset, const PackingRules& rules) : dataset_(dataset), rules_(rules) {
    batch_.layout.offsets.push_back(0);
    batch_.prompt_tokens = rules.prompt_tokens;
  }

  // Appends prompts and the clicks at `kept` (ascending places in the history; `masked[i]` zeroes the i-th).
  // Dropout keys are made when `dropout` is given.
  void Append(int32_t user, std::span<const int32_t> kept, const std::vector<bool>& masked,
              const RandomKey* dropout) {
    const auto clicks = static_cast<int64_t>(kept.size());
    for (int64_t k = 0; k < rules_.prompt_tokens; ++k)
      AppendToken(-1 - next_prompt_++, -1, dropout, kPromptPosition + static_cast<uint64_t>(k));
    const int64_t first_row =
        rules_.position_origin == model::PositionOrigin::kEnd ? rules_.max_history - clicks : 0;
    const auto history = dataset_.history(user);
    for (int64_t i = 0; i < clicks; ++i) {
      const int32_t place = kept[static_cast<size_t>(i)];
      const int64_t item =
          masked[static_cast<size_t>(i)] ? kMaskedToken : history[static_cast<size_t>(place)];
      AppendToken(item, first_row + i, dropout, static_cast<uint64_t>(place));
    }
    const auto tokens = static_cast<int64_t>(batch_.token_items.size());
    batch_.last_token.push_back(tokens > batch_.layout.offsets.back() ? tokens - 1 : -1);
    batch_.layout.offsets.push_back(tokens);
  }

  void AppendRange(int32_t user, int32_t begin, int32_t end, const RandomKey* dropout) {
    kept_.clear();
    for (int32_t place = begin; place < end; ++place) kept_.push_back(place);
    Append(user, kept_, std::vector<bool>(kept_.size(), false), dropout);
  }

  PackedBatch& batch() { return batch_; }

  PackedBatch Finish() {
    batch_.layout.positions = at::tensor(positions_, at::kLong);
    batch_.layout.token_keys = at::tensor(keys_, at::kLong);  // [T], or [0] when reading
    return std::move(batch_);
  }

 private:
  // Prompt tokens take places no click can have.
  static constexpr uint64_t kPromptPosition = uint64_t{1} << 40;

  void AppendToken(int64_t item, int64_t row, const RandomKey* dropout, uint64_t place) {
    batch_.token_items.push_back(item);
    positions_.push_back(row);
    if (dropout != nullptr) keys_.push_back(static_cast<int64_t>(dropout->Bits(place)));
  }

  const data::Dataset& dataset_;
  const PackingRules& rules_;
  PackedBatch batch_;
  int64_t next_prompt_ = 0;
  std::vector<int64_t> positions_, keys_;
  std::vector<int32_t> kept_;
};

RandomKey StepKey(uint64_t seed, RandomSite site, int64_t step, int32_t user) {
  return MakeRandomKey(seed, site).With(static_cast<uint64_t>(step)).With(static_cast<uint64_t>(user));
}

// Targets of one sequence of the original view, whose tokens start at `first_token`.
void AppendTargets(const data::Dataset& dataset, const PackingRules& rules, const TrainingPack& pack,
                   const data::TrainingSequence& sequence, int64_t index, int64_t first_token,
                   const data::NegativeSampler& negatives, PackedBatch* batch) {
  const auto history = dataset.training_history(sequence.user);
  const RandomKey user_key = negatives.UserKey(pack.epoch, sequence.user);
  const auto append = [&](int64_t token, int64_t place) {
    batch->target_token.push_back(token);
    batch->target_sequence.push_back(index);
    batch->positives.push_back(history[static_cast<size_t>(place)]);
    if (pack.negative_sharing == NegativeSharing::kBatch) return;
    const size_t drawn = batch->negatives.size();
    batch->negatives.resize(drawn + static_cast<size_t>(pack.negatives));
    negatives.DrawFor(user_key, sequence.user, place,
                      std::span(batch->negatives.data() + drawn, static_cast<size_t>(pack.negatives)));
  };
  const int64_t first_click = first_token + rules.prompt_tokens;
  if (sequence.first_click_target) append(rules.prompt_tokens > 0 ? first_click - 1 : -1, 0);
  for (int32_t place = sequence.begin; place < sequence.end; ++place)
    append(first_click + place - sequence.begin, place + 1);
}

// The negatives of the whole batch, in ascending order, and who has clicked which.
void AppendSharedNegatives(const TrainingPack& pack, const data::NegativeSampler& negatives,
                           PackedBatch* batch) {
  batch->shared_negatives.resize(static_cast<size_t>(pack.negatives));
  negatives.DrawShared(pack.step, batch->shared_negatives);
  std::sort(batch->shared_negatives.begin(), batch->shared_negatives.end());
  batch->clicked_offsets.push_back(0);
  for (const int32_t user : batch->users) {
    negatives.AppendClicked(user, batch->shared_negatives, &batch->clicked_negatives);
    batch->clicked_offsets.push_back(static_cast<int64_t>(batch->clicked_negatives.size()));
  }
}

// Behaviour-based augmentation (3.5.2) of one sequence: deletes clicks, never the last one, or zeroes any of
// them.
void AppendAugmentedClicks(const PackingRules& rules, const TrainingPack& pack,
                           const data::TrainingSequence& sequence, const RandomKey& dropout, Packer* packer) {
  const RandomKey key = StepKey(rules.seed, RandomSite::kBehaviourMask, pack.step, sequence.user);
  std::vector<int32_t> kept;
  std::vector<bool> masked;
  for (int32_t place = sequence.begin; place < sequence.end; ++place) {
    const bool hit = key.Uniform(static_cast<uint64_t>(place)) < pack.behaviour_mask_ratio;
    const bool deletes = pack.behaviour == BehaviourAugmentation::kDelete;
    if (hit && deletes && place + 1 < sequence.end) continue;
    kept.push_back(place);
    masked.push_back(hit && !deletes);
  }
  packer->Append(sequence.user, kept, masked, &dropout);
}

}  // namespace

PackedBatch PackForReading(const data::Dataset& dataset, const PackingRules& rules,
                           std::span<const ClickSequence> sequences) {
  Packer packer(dataset, rules);
  for (const ClickSequence& sequence : sequences) {
    const int32_t begin = std::max(sequence.begin, static_cast<int32_t>(sequence.end - rules.max_history));
    packer.AppendRange(sequence.user, begin, sequence.end, nullptr);
    packer.batch().users.push_back(sequence.user);
  }
  packer.batch().num_users = static_cast<int64_t>(sequences.size());
  return packer.Finish();
}

PackedBatch PackForTraining(const data::Dataset& dataset, const PackingRules& rules, const TrainingPack& pack,
                            std::span<const data::TrainingSequence> sequences,
                            const data::NegativeSampler& negatives) {
  Packer packer(dataset, rules);
  PackedBatch& batch = packer.batch();
  batch.num_users = static_cast<int64_t>(sequences.size());
  batch.num_views = 1 + static_cast<int64_t>(pack.augmented.size());
  const auto dropout_key = [&](const data::TrainingSequence& sequence, View view) {
    return StepKey(rules.seed, RandomSite::kDropout, pack.step, sequence.user)
        .With(static_cast<uint64_t>(view));
  };
  for (size_t i = 0; i < sequences.size(); ++i) {
    const data::TrainingSequence& sequence = sequences[i];
    batch.users.push_back(sequence.user);
    const int64_t first_token = batch.layout.offsets.back();
    const RandomKey dropout = dropout_key(sequence, View::kOriginal);
    packer.AppendRange(sequence.user, sequence.begin, sequence.end, &dropout);
    AppendTargets(dataset, rules, pack, sequence, static_cast<int64_t>(i), first_token, negatives, &batch);
  }
  if (pack.negative_sharing == NegativeSharing::kBatch) AppendSharedNegatives(pack, negatives, &batch);
  for (const View view : pack.augmented) {
    for (const data::TrainingSequence& sequence : sequences) {
      const RandomKey dropout = dropout_key(sequence, view);
      if (view == View::kAugmentedClicks) {
        AppendAugmentedClicks(rules, pack, sequence, dropout, &packer);
      } else {
        packer.AppendRange(sequence.user, sequence.begin, sequence.end, &dropout);
      }
    }
  }
  return packer.Finish();
}

}  // namespace ppr::train
