// Popularity baselines: what a recommender that knows no user at all reaches. Local and cheap; the same
// result on every rank. Items that the training histories never show score 0 and tie.
#pragma once

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "evaluation/case_evaluation.h"

namespace ppr::evaluation {

// Score = clicks on the item in all training histories.
CaseResults EvaluatePopularity(const data::Dataset& dataset, const std::vector<int64_t>& cases,
                               bool full_catalogue);
// "Popularity at the same position": score = times the item is the click at that position in training
// histories.
CaseResults EvaluatePositionPopularity(const data::Dataset& dataset, const std::vector<int64_t>& cases,
                                       bool full_catalogue);

}  // namespace ppr::evaluation
