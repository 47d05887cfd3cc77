// Evaluation of a dataset's cases on all ranks: which cases, who computes which, and everybody's results in
// one order.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "data/dataset.h"
#include "dist/communicator.h"
#include "evaluation/metrics.h"
#include "model/item_table.h"
#include "settings/names.h"

namespace ppr::evaluation {

// Which cases an evaluation takes.
enum class EvaluationTask {
  kFewShot,   // position > 0
  kZeroShot,  // position == 0
  kJoint,     // all
  kProfile,   // none: a profile value of the user is predicted, not a click (profile_prediction.h)
};
const settings::NameTable<EvaluationTask>& NamesOf(EvaluationTask);

// Indices into dataset.cases, ascending; with shots > 0 only those at positions up to it (paper 4.8).
std::vector<int64_t> SelectCases(const data::Dataset& dataset, data::CasePart part, EvaluationTask task,
                                 int64_t shots = 0);

struct CaseResults {
  std::vector<int64_t> cases;          // indices into dataset.cases, ascending
  std::vector<RankCounts> candidates;  // against the stored candidates
  std::vector<RankCounts> catalogue;   // against the full catalogue; empty when not asked for
};

// Makes the user vectors [n, d] of cases (indices into dataset.cases) of this rank. May communicate; n may be
// 0.
using UserVectors = std::function<at::Tensor(std::span<const int64_t> cases)>;

// Collective. Deals the cases to the ranks, in batches of `batch_cases` a rank, and returns the results of
// all cases on every rank: each case counts once for any W. user_vectors is called the same number of times
// on every rank. What the user clicked before the case is not ranked against in the full catalogue.
CaseResults EvaluateCases(dist::Communicator& communicator, const data::Dataset& dataset,
                          const model::ItemTable& table, const std::vector<int64_t>& cases,
                          const UserVectors& user_vectors, bool full_catalogue, int64_t batch_cases = 512);

// Scores of items for cases of this rank: item ids [n * (1 + c)], for each case its target and then its
// candidates -> [n, 1 + c] f32. May communicate; n may be 0.
using CandidateScores =
    std::function<at::Tensor(std::span<const int64_t> cases, const std::vector<int64_t>& items)>;

// Collective. EvaluateCases for a model whose scores are no products of a user's vector with item rows;
// against the stored candidates alone.
CaseResults EvaluateScoredCases(dist::Communicator& communicator, const data::Dataset& dataset,
                                const std::vector<int64_t>& cases, const CandidateScores& scores,
                                int64_t batch_cases = 64);

}  // namespace ppr::evaluation
