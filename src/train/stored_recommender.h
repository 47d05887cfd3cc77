// A recommender rebuilt from a checkpoint, at any number of ranks: what tune starts from and evaluate scores
// with.
#pragma once

#include <memory>
#include <string>

#include "data/dataset.h"
#include "train/checkpoint.h"
#include "train/config_json.h"
#include "train/recommender.h"

namespace ppr::train {

// Collective. Loads `path` (a checkpoint, or a run folder: its BEST), moments included: rows that wait for
// skipped steps need them. DataError when it was made from another dataset file than `dataset`, or does not
// hold what its config says.
LoadedCheckpoint LoadForReading(dist::Communicator& communicator, const std::string& path,
                                const data::Dataset& dataset);

// The model that `checkpoint` holds, ready to score: rows caught up to the checkpoint's step. Collective.
std::unique_ptr<Recommender> RestoreRecommender(dist::Communicator& communicator,
                                                const LoadedCheckpoint& checkpoint,
                                                const data::Dataset& dataset);

}  // namespace ppr::train
