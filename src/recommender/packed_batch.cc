#include "recommender/packed_batch.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/errors.h"
#include "base/random.h"
#include "recommender/sequence_augmentation.h"

namespace ppr::recommender {
namespace {

// Grows a packed batch sequence by sequence.
class Packer {
 public:
  Packer(const data::Dataset& dataset, const PackingRules& rules) : dataset_(dataset), rules_(rules) {
    batch_.layout.offsets.push_back(0);
    batch_.prompt_tokens = rules.prompt_tokens;
  }

  // Appends prompts, the clicks of `view` and, where the rules say so, a mask. Dropout keys are made when
  // `dropout` is given.
  void Append(int32_t user, const ClickView& view, const RandomKey* dropout) {
    const auto clicks = static_cast<int64_t>(view.places.size());
    for (int64_t k = 0; k < rules_.prompt_tokens; ++k)
      AppendToken(-1 - next_prompt_++, -1, dropout, kPromptPosition + static_cast<uint64_t>(k));
    const int64_t first_row = rules_.position_origin == model::PositionOrigin::kEnd
                                  ? rules_.max_history - clicks - (rules_.mask_at_end ? 1 : 0)
                                  : 0;
    const auto history = dataset_.history(user);
    for (int64_t i = 0; i < clicks; ++i) {
      const int32_t place = view.places[static_cast<size_t>(i)];
      const int64_t item =
          view.masked[static_cast<size_t>(i)] ? kMaskedToken : history[static_cast<size_t>(place)];
      AppendToken(item, first_row + i, dropout, static_cast<uint64_t>(place));
    }
    if (rules_.mask_at_end) AppendToken(kMaskedToken, first_row + clicks, dropout, kMaskPosition);
    const auto tokens = static_cast<int64_t>(batch_.token_items.size());
    batch_.last_token.push_back(tokens > batch_.layout.offsets.back() ? tokens - 1 : -1);
    batch_.layout.offsets.push_back(tokens);
  }

  PackedBatch& batch() { return batch_; }

  PackedBatch Finish() {
    batch_.layout.positions = at::tensor(positions_, at::kLong);
    batch_.layout.token_keys = at::tensor(keys_, at::kLong);  // [T], or [0] when reading
    return std::move(batch_);
  }

 private:
  // Prompt tokens and the mask at the end take places no click can have.
  static constexpr uint64_t kPromptPosition = uint64_t{1} << 40;
  static constexpr uint64_t kMaskPosition = uint64_t{1} << 41;

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
};

RandomKey StepKey(uint64_t seed, RandomSite site, int64_t step, int32_t user) {
  return MakeRandomKey(seed, site).With(static_cast<uint64_t>(step)).With(static_cast<uint64_t>(user));
}

// Appends targets of the original view and what they are ranked against.
class TargetList {
 public:
  TargetList(const data::Dataset& dataset, const TrainingPack& pack, const data::NegativeSampler& negatives,
             PackedBatch* batch)
      : dataset_(dataset), pack_(pack), negatives_(negatives), batch_(*batch) {}

  // The click at `place` of the user of sequence `index`, read at `token`.
  void Append(const data::TrainingSequence& sequence, int64_t index, int64_t token, int64_t place) {
    AppendReadOut(index, token);
    batch_.positives.push_back(dataset_.training_history(sequence.user)[static_cast<size_t>(place)]);
    if (pack_.negative_sharing == NegativeSharing::kBatch || pack_.negatives == 0) return;
    const size_t drawn = batch_.negatives.size();
    batch_.negatives.resize(drawn + static_cast<size_t>(pack_.negatives));
    negatives_.DrawFor(UserKey(sequence.user), sequence.user, place,
                       std::span(batch_.negatives.data() + drawn, static_cast<size_t>(pack_.negatives)));
  }

  // A place where the user of sequence `index` is read, without an item as target.
  void AppendReadOut(int64_t index, int64_t token) {
    batch_.target_token.push_back(token);
    batch_.target_sequence.push_back(index);
  }

 private:
  RandomKey UserKey(int32_t user) {
    if (user != key_user_) {
      key_ = negatives_.UserKey(pack_.epoch, user);
      key_user_ = user;
    }
    return key_;
  }

  const data::Dataset& dataset_;
  const TrainingPack& pack_;
  const data::NegativeSampler& negatives_;
  PackedBatch& batch_;
  int32_t key_user_ = -1;
  RandomKey key_{0};
};

// Targets of one sequence of the original view, whose tokens are [first_token, last_token]; last_token -1:
// none. `hidden` are the clicks that a sequence read whole hides.
void AppendTargets(const PackingRules& rules, const data::TrainingSequence& sequence, int64_t index,
                   int64_t first_token, int64_t last_token, const std::vector<bool>& hidden,
                   bool hides_clicks, TargetList* targets) {
  const int64_t first_click = first_token + rules.prompt_tokens;
  if (sequence.reading == data::Reading::kEachTarget)
    return targets->Append(sequence, index, last_token, sequence.end);
  if (sequence.reading == data::Reading::kWhole) {
    if (!hides_clicks) return targets->AppendReadOut(index, last_token);
    for (size_t i = 0; i < hidden.size(); ++i) {
      const auto click = static_cast<int64_t>(i);
      if (hidden[i]) targets->Append(sequence, index, first_click + click, sequence.begin + click);
    }
    return;
  }
  if (sequence.first_click_target)
    targets->Append(sequence, index, rules.prompt_tokens > 0 ? first_click - 1 : -1, 0);
  for (int32_t place = sequence.begin; place < sequence.end; ++place)
    targets->Append(sequence, index, first_click + place - sequence.begin, place + 1);
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

// A key that is narrowed to a user, narrowed to a sequence: those of one target each differ by where they
// end.
RandomKey OfSequence(RandomKey key, const data::TrainingSequence& sequence) {
  return sequence.reading == data::Reading::kEachTarget ? key.With(static_cast<uint64_t>(sequence.end)) : key;
}

// A sequence as `view` has it.
ClickView ViewOf(View view, const PackingRules& rules, const TrainingPack& pack,
                 const data::TrainingSequence& sequence) {
  switch (view) {
    case View::kOriginal:
    case View::kMaskedProfile:
      return UnchangedView(sequence);
    case View::kAugmentedClicks:
      return BehaviourView(
          OfSequence(StepKey(rules.seed, RandomSite::kBehaviourMask, pack.step, sequence.user), sequence),
          sequence, pack.behaviour, pack.behaviour_mask_ratio);
    case View::kFirstOfPair:
    case View::kSecondOfPair:
      return CroppedMaskedOrReordered(StepKey(rules.seed, RandomSite::kClickView, pack.step, sequence.user)
                                          .With(static_cast<uint64_t>(view)),
                                      sequence, pack.pair);
  }
  throw BugError("unknown view " + std::to_string(static_cast<int>(view)));
}

// Of one view of one sequence.
RandomKey DropoutKey(const PackingRules& rules, const TrainingPack& pack,
                     const data::TrainingSequence& sequence, View view) {
  const RandomKey key = StepKey(rules.seed, RandomSite::kDropout, pack.step, sequence.user);
  return OfSequence(key.With(static_cast<uint64_t>(view)), sequence);
}

}  // namespace

const settings::NameTable<NegativeSharing>& NamesOf(NegativeSharing) {
  static const settings::NameTable<NegativeSharing> names = {{"own", NegativeSharing::kOwn},
                                                             {"batch", NegativeSharing::kBatch}};
  return names;
}

std::vector<bool> HiddenClicksOf(uint64_t seed, int64_t epoch, const data::TrainingSequence& sequence,
                                 const MaskedItems& masked) {
  const RandomKey key = StepKey(seed, RandomSite::kMaskedClick, epoch, sequence.user);
  return HiddenClicks(key.With(static_cast<uint64_t>(sequence.begin)), sequence, masked);
}

PackedBatch PackForReading(const data::Dataset& dataset, const PackingRules& rules,
                           std::span<const ClickSequence> sequences) {
  Packer packer(dataset, rules);
  for (const ClickSequence& sequence : sequences) {
    const int32_t begin = std::max(sequence.begin, static_cast<int32_t>(sequence.end - rules.most_clicks()));
    packer.Append(sequence.user, UnchangedView({.user = sequence.user, .begin = begin, .end = sequence.end}),
                  nullptr);
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
  TargetList targets(dataset, pack, negatives, &batch);
  for (size_t i = 0; i < sequences.size(); ++i) {
    const data::TrainingSequence& sequence = sequences[i];
    batch.users.push_back(sequence.user);
    batch.profile_keys.push_back(static_cast<int64_t>(
        OfSequence(StepKey(rules.seed, RandomSite::kProfileMask, pack.step, sequence.user), sequence)
            .state()));
    const int64_t first_token = batch.layout.offsets.back();
    const RandomKey dropout = DropoutKey(rules, pack, sequence, View::kOriginal);
    ClickView view = UnchangedView(sequence);
    if (pack.hides_clicks) view.masked = HiddenClicksOf(rules.seed, pack.epoch, sequence, pack.masked);
    packer.Append(sequence.user, view, &dropout);
    AppendTargets(rules, sequence, static_cast<int64_t>(i), first_token, batch.last_token.back(), view.masked,
                  pack.hides_clicks, &targets);
  }
  if (pack.negative_sharing == NegativeSharing::kBatch && pack.negatives > 0)
    AppendSharedNegatives(pack, negatives, &batch);
  for (const View view : pack.augmented) {
    for (const data::TrainingSequence& sequence : sequences) {
      const RandomKey dropout = DropoutKey(rules, pack, sequence, view);
      packer.Append(sequence.user, ViewOf(view, rules, pack, sequence), &dropout);
    }
  }
  return packer.Finish();
}

}  // namespace ppr::recommender
