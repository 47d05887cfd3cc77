// A recommender rebuilt from a checkpoint, at any number of ranks: what tune starts from and evaluate scores
// with.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/checkpoint.h"
#include "data/dataset.h"
#include "data/negatives.h"
#include "recommender/recommender.h"
#include "stages/config_json.h"
#include "train/competitors/pair_scorer.h"

namespace ppr::stages {

// A checkpoint and the model that its config describes.
struct StoredRun {
  checkpoint::StoredCheckpoint checkpoint;
  StoredModel model;

  const std::string& digest() const { return checkpoint.manifest.digest; }
};

// Collective. Opens `path` (a checkpoint, or a run folder: its BEST). DataError when it was made from another
// dataset file than `dataset`, or does not hold what its config says. `source`: the other domain of a MiNet
// checkpoint, whose table holds the items of both; else null.
StoredRun OpenForReading(dist::Communicator& communicator, const std::string& path,
                         const data::Dataset& dataset, const data::Dataset* source = nullptr);

// The model that `run` holds, ready to score: values read in place, rows as of the checkpoint's step.
// Collective.
std::unique_ptr<recommender::Recommender> RestoreRecommender(dist::Communicator& communicator,
                                                             const StoredRun& run,
                                                             const data::Dataset& dataset);

// The same for MeLU; `negatives` are those of run.model.seed and must outlive the result.
std::unique_ptr<train::PairScorer> RestoreMelu(dist::Communicator& communicator, const StoredRun& run,
                                               const data::Dataset& dataset,
                                               const data::NegativeSampler& negatives);
// The same for MiNet; `source` must outlive the result.
std::unique_ptr<train::PairScorer> RestoreMinet(dist::Communicator& communicator, const StoredRun& run,
                                                const data::Dataset& dataset, const data::Dataset& source);

}  // namespace ppr::stages
