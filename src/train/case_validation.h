// A recommender judged on cases while it trains.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "data/dataset.h"
#include "evaluation/case_evaluation.h"
#include "recommender/recommender.h"
#include "train/training_config.h"

namespace ppr::train {

// Cases -> click sequences -> user vectors: what EvaluateCases calls.
evaluation::UserVectors UserVectorsOf(recommender::Recommender& recommender, const data::Dataset& dataset);

// The validation of a recommender on cases, by the metric of `config`; empty without cases. All must outlive
// it.
std::function<double()> CaseValidation(recommender::Recommender& recommender, const data::Dataset& dataset,
                                       std::vector<int64_t> cases, const TrainingConfig& config);

}  // namespace ppr::train
