// Where the target of each case ranks: against its stored candidates, and against the full catalogue counted
// on the shards of the item table, without moving the table. Scores are those of evaluation/score_counting.h:
// equal rows tie, and the counts are the same to the last one for any number of ranks.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "dist/communicator.h"
#include "evaluation/metrics.h"
#include "model/item_table.h"

namespace ppr::evaluation {

// What an error message calls case i of this rank; empty = "case i of rank r".
using CaseName = std::function<std::string(int64_t i)>;

// users [n, d] f32 of this rank's n >= 0 cases; targets[i] and candidates[i*c ..] item ids in 1..V.
// Collective: ranks may have different n. A score that is not a number ends in DoNotRestartError on every
// rank, naming the case.
std::vector<RankCounts> RankAgainstCandidates(dist::Communicator& communicator, const model::ItemTable& table,
                                              const at::Tensor& users, const std::vector<int64_t>& targets,
                                              const std::vector<int64_t>& candidates,
                                              int64_t candidates_per_case, const CaseName& name_of = {});

// The same from scores that are there already: [n, 1 + c], each target's before its candidates'.
std::vector<RankCounts> RankScores(dist::Communicator& communicator, const at::Tensor& scores,
                                   const std::vector<int64_t>& targets, const CaseName& name_of = {});

// RankAgainstCandidates against all V items but the target and the items in excluded[i] (the user's earlier
// clicks, repeats allowed). Queries are gathered in rounds of at most tile_bytes, each shard counts, counts
// are summed; scores are never stored.
std::vector<RankCounts> RankAgainstCatalogue(dist::Communicator& communicator, const model::ItemTable& table,
                                             const at::Tensor& users, const std::vector<int64_t>& targets,
                                             const std::vector<std::span<const int32_t>>& excluded,
                                             int64_t tile_bytes = int64_t{64} << 20,
                                             const CaseName& name_of = {});

}  // namespace ppr::evaluation
