// From sequences of clicks to what the model eats: packed tokens, the rows they need, read-outs and targets.
//
// A batch holds one or more views of each sequence, view after view: the original, and the augmented ones of
// the contrastive loss. Only the original has targets.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "data/batches.h"
#include "data/dataset.h"
#include "data/negatives.h"
#include "model/encoder_config.h"
#include "model/packed_layout.h"
#include "recommender/sequence_augmentation.h"

namespace ppr::recommender {

// Which negatives a target has: K of its own, or K for all targets of the batch. Of the shared ones a user's
// own training clicks do not count for that user.
enum class NegativeSharing { kOwn, kBatch };
const settings::NameTable<NegativeSharing>& NamesOf(NegativeSharing);

// Where a packed token's input comes from, besides an item row.
inline constexpr int64_t kMaskedToken = 0;  // the encoder's [mask] vector, or zeros when it has none

// Which prompt token, of those of all sequences in their order, `item` < 0 of PackedBatch::token_items means.
inline int64_t PromptOf(int64_t item) { return -1 - item; }

// One sequence of clicks to encode: tokens are history[begin, end) of `user`.
struct ClickSequence {
  int32_t user = 0;
  int32_t begin = 0;
  int32_t end = 0;
};

// Values are part of dropout keys: DO NOT CHANGE.
enum class View : uint8_t {
  kOriginal = 0,
  kMaskedProfile = 1,    // PPR, 3.5.1
  kAugmentedClicks = 2,  // PPR, 3.5.2
  kFirstOfPair = 3,      // CL4SRec's two
  kSecondOfPair = 4,
};

struct PackedBatch {
  model::PackedLayout layout;  // over all views
  int64_t num_users = 0;       // sequences of one view
  int64_t num_views = 1;
  int64_t prompt_tokens = 0;         // n of each sequence
  std::vector<int64_t> token_items;  // [T] item id; kMaskedToken; or -1 - p for prompt token p of all views
  std::vector<int64_t>
      last_token;              // [views * num_users] index of the sequence's last token; -1 when it has none
  std::vector<int32_t> users;  // [num_users]
  std::vector<int64_t>
      profile_keys;  // [num_users] random keys of masked profiles (3.5.1); only of a training batch

  // Targets, all in the original view. Sequences read whole have none, unless clicks are hidden in them; a
  // profile value is read at the last token.
  std::vector<int64_t>
      target_token;  // [N] read-out token; -1 = none (no prompt and no click before it): u_s is 0
  std::vector<int64_t> target_sequence;  // [N]
  std::vector<int64_t> positives;        // [N] item ids
  std::vector<int64_t> negatives;        // [N * K] item ids; empty when the batch shares them
  // With shared negatives: K item ids, ascending, and which of them each user has clicked:
  // clicked_negatives[clicked_offsets[s] ...] of sequence s, places in shared_negatives.
  std::vector<int64_t> shared_negatives;
  std::vector<int64_t> clicked_offsets;  // [num_users + 1]
  std::vector<int64_t> clicked_negatives;

  int64_t num_item_tokens() const {
    return std::count_if(token_items.begin(), token_items.end(), [](int64_t item) { return item > 0; });
  }
  int64_t num_targets() const { return static_cast<int64_t>(positives.size()); }
};

// What packing needs to know of the stage.
struct PackingRules {
  int64_t max_history = 50;
  model::PositionOrigin position_origin = model::PositionOrigin::kStart;
  int64_t prompt_tokens = 0;
  uint64_t seed = 1;
  // A bidirectional encoder reads a user at a [mask] token after the last click; it takes one of max_history.
  bool mask_at_end = false;

  int64_t most_clicks() const { return max_history - (mask_at_end ? 1 : 0); }
};

// Encoding for evaluation: the last most_clicks() clicks of each history, no targets, no dropout keys.
PackedBatch PackForReading(const data::Dataset& dataset, const PackingRules& rules,
                           std::span<const ClickSequence> sequences);

// A rank's share of a training batch. `augmented`: views besides the original. Keys, masks and negatives are
// functions of (seed, step or epoch, user, position, view).
struct TrainingPack {
  int64_t epoch = 0, step = 0;
  int64_t negatives = 1;  // 0: none are drawn
  NegativeSharing negative_sharing = NegativeSharing::kOwn;
  std::vector<View> augmented;
  BehaviourAugmentation behaviour = BehaviourAugmentation::kDelete;
  double behaviour_mask_ratio = 0;
  SequenceAugmentation pair;  // of the views of a pair
  bool hides_clicks = false;  // sequences read whole: some clicks are hidden, and are the targets
  MaskedItems masked;
};
// Which clicks of a sequence are hidden in `epoch`.
std::vector<bool> HiddenClicksOf(uint64_t seed, int64_t epoch, const data::TrainingSequence& sequence,
                                 const MaskedItems& masked);
PackedBatch PackForTraining(const data::Dataset& dataset, const PackingRules& rules, const TrainingPack& pack,
                            std::span<const data::TrainingSequence> sequences,
                            const data::NegativeSampler& negatives);

}  // namespace ppr::recommender
