// Which stored tensor each tensor of a state is read from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace ppr::checkpoint {

// "float32 [3 x 4]".
std::string FormText(const std::string& dtype, const std::vector<int64_t>& shape);

struct Source {
  TensorRecord record;  // of shared.h5, or of a shard: there dimension 0 is the shard's
  // A part of a flat tensor: the entries from here on, as many as the state's tensor has. -1: all of it.
  int64_t first_entry = -1;
};

// One a tensor of `state`, in its order. DataError as RestoreState. Local.
std::vector<Source> FindSources(const StoredCheckpoint& checkpoint, const TrainingState& state,
                                Reading reading);

}  // namespace ppr::checkpoint
