// Checkpoints of format 1, which stored all dense parameters as one flat tensor without names, and rows as of
// their last step. Read, never written.
#pragma once

#include <vector>

#include "checkpoint/sources.h"

namespace ppr::checkpoint {

// FindSources for format 1. Dense parameters lie in "dense/values" in the order in which the model declares
// them, which is the order of `state`; so do their moments in "dense/m" and "dense/v". The order of
// declarations is therefore part of format 1 (tests/fixtures/checkpoint_format_1 holds it in place).
std::vector<Source> FindSourcesOfFormat1(const StoredCheckpoint& checkpoint, const TrainingState& state,
                                         Reading reading);

}  // namespace ppr::checkpoint
