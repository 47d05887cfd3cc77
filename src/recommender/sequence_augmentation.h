// Random changes to the clicks of a sequence: the views of contrastive losses and the hidden clicks of
// masked-item training. Pure functions of a key, so that they do not depend on ranks or batches.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "data/batches.h"
#include "stages/stage_config.h"

namespace ppr::train {

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

}  // namespace ppr::train
