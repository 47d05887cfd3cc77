// Random changes to the clicks of a sequence: the views of contrastive losses and the hidden clicks of
// masked-item training. Pure functions of a key, so that they do not depend on ranks or batches.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "data/batches.h"
#include "settings/settings.h"

namespace ppr::recommender {

// What becomes of a click that PPR's behaviour-based augmentation hits (paper 3.5.2).
enum class BehaviourAugmentation {
  kDelete,  // it is dropped, unless it is the newest
  kZero,    // its embedding is zeroed ([mask])
};

// CL4SRec's views (Xie et al. 2022): each of the two is cropped, masked or reordered, drawn evenly.
struct SequenceAugmentation {
  double weight = 0.1;       // of the contrastive loss; 0 = none
  double temperature = 1.0;  // of its dot products
  double crop = 0.6;         // share of the clicks that a crop keeps
  double mask = 0.5;         // share that a mask hides
  double reorder = 0.2;      // share that a reordering shuffles
};

// BERT4Rec's task (Sun et al. 2019): predict hidden clicks from all the others.
struct MaskedItems {
  double mask_prob = 0.2;   // a click is hidden with this probability; at least one of a sequence is
  double last_share = 0.1;  // of the sequences, in which the newest click alone is hidden, as it is in use
};

const settings::NameTable<BehaviourAugmentation>& NamesOf(BehaviourAugmentation);

// Under the topic and in the section of the moment.
void Describe(settings::Settings& settings, SequenceAugmentation& config);
void Describe(settings::Settings& settings, MaskedItems& config);

// Clicks as they are fed to an encoder.
struct ClickView {
  std::vector<int32_t> places;  // in the user's history, in the order of the view
  std::vector<bool> masked;     // which of them are hidden: a [mask] token stands in their place
};

// The sequence as it is.
ClickView UnchangedView(const data::TrainingSequence& sequence);

// PPR's behaviour-based augmentation (paper 3.5.2): each click is hit with probability `ratio`; a hit deletes
// it, unless it is the newest, or hides it.
ClickView BehaviourView(RandomKey key, const data::TrainingSequence& sequence,
                        BehaviourAugmentation augmentation, double ratio);

// CL4SRec: a crop (a random stretch), a mask (random clicks hidden) or a reordering (a random stretch
// shuffled), drawn evenly. A crop keeps at least one click; shares round down otherwise.
ClickView CroppedMaskedOrReordered(RandomKey key, const data::TrainingSequence& sequence,
                                   const SequenceAugmentation& augmentation);

// BERT4Rec: which clicks are hidden and to be predicted; at least one, when there is any.
std::vector<bool> HiddenClicks(RandomKey key, const data::TrainingSequence& sequence,
                               const MaskedItems& masked);

}  // namespace ppr::recommender
