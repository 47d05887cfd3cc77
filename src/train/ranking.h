// Where the target of each case ranks: against its stored candidates, and against the full catalogue counted on the
// shards of the item table, without moving the table.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "dist/communicator.h"
#include "model/item_table.h"
#include "train/metrics.h"

namespace ppr::train {

// users [n, d] of this rank's n >= 0 cases; targets[i] and candidates[i*c ..] item ids. Collective: ranks may have
// different n. Scores are u.v in float32.
std::vector<RankCounts> RankAgainstCandidates(dist::Communicator& communicator, const model::ItemTable& table,
                                              const at::Tensor& users, const std::vector<int64_t>& targets,
                                              const std::vector<int64_t>& candidates, int64_t candidates_per_case);

// As above against all V items but the target and the items in excluded[i] (the user's earlier clicks, repeats allowed).
// Queries are gathered, each shard counts, counts are summed; scores are produced in tiles of at most tile_bytes.
std::vector<RankCounts> RankAgainstCatalogue(dist::Communicator& communicator, const model::ItemTable& table,
                                             const at::Tensor& users, const std::vector<int64_t>& targets,
                                             const std::vector<std::span<const int32_t>>& excluded,
                                             int64_t tile_bytes = int64_t{64} << 20);

// Which cases an evaluation takes.
enum class EvaluationTask { kFewShot, kZeroShot, kJoint };  // position > 0, == 0, all
std::vector<int64_t> SelectCases(const data::Dataset& dataset, data::CasePart part, EvaluationTask task);

struct CaseResults {
  std::vector<int64_t> cases;              // indices into dataset.cases, ascending
  std::vector<RankCounts> candidates;      // against the stored candidates
  std::vector<RankCounts> catalogue;       // against the full catalogue; empty when not asked for
};

// Makes the user vectors [n, d] of cases (indices into dataset.cases) of this rank. May communicate; n may be 0.
using UserVectors = std::function<at::Tensor(std::span<const int64_t> cases)>;

// Collective. Deals the cases to the ranks, in batches of `batch_cases` a rank, and returns the results of all cases on
// every rank: each case counts once for any W.
CaseResults EvaluateCases(dist::Communicator& communicator, const data::Dataset& dataset, const model::ItemTable& table,
                          const std::vector<int64_t>& cases, const UserVectors& user_vectors, bool full_catalogue,
                          int64_t batch_cases = 512);

// Popularity baseline: score = clicks on the item in all training histories. Local and cheap; same result on every rank.
CaseResults EvaluatePopularity(const data::Dataset& dataset, const std::vector<int64_t>& cases, bool full_catalogue);
// "Popularity at the same position": score = times the item is the click at that position in training histories.
CaseResults EvaluatePositionPopularity(const data::Dataset& dataset, const std::vector<int64_t>& cases, bool full_catalogue);

// Tab-separated per-case file, one line a case: user id, position, greater, equal, others (and the same three for the
// catalogue), with a '#' header that names dataset digest, checkpoint digest and task. Whole or not there.
void WriteCaseFile(const std::string& path, const data::Dataset& dataset, const CaseResults& results,
                   const std::string& checkpoint_digest, const std::string& task);
struct CaseFile {
  std::string dataset_digest, checkpoint_digest, task;
  std::vector<std::string> user_ids;
  std::vector<int32_t> positions;
  std::vector<RankCounts> candidates, catalogue;
};
CaseFile ReadCaseFile(const std::string& path);

}  // namespace ppr::train
