#include "evaluation/ranking.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "base/errors.h"
#include "dist/row_exchange.h"
#include "evaluation/score_counting.h"

namespace ppr::evaluation {

namespace {

void CheckInputs(const dist::Communicator& communicator, const model::ItemTable& table,
                 const at::Tensor& users, size_t num_targets) {
  PPR_BUG_IF_NOT(table.rank == communicator.rank() && table.owners.world_size() == communicator.size() &&
                     table.rows.device().is_cpu() && table.rows.is_contiguous() &&
                     table.rows.scalar_type() == at::kFloat,
                 "the item table must be this rank's shard: contiguous float32 in host memory");
  PPR_BUG_IF_NOT(
      users.dim() == 2 && users.size(0) == static_cast<int64_t>(num_targets) &&
          users.size(1) == table.rows.size(1) && users.scalar_type() == at::kFloat && users.device().is_cpu(),
      "user vectors must be [" + std::to_string(num_targets) + ", " + std::to_string(table.rows.size(1)) +
          "] float32 in host memory, found " + users.toString() + " with " + std::to_string(users.dim()) +
          " dimensions, " + std::to_string(users.numel()) + " elements");
}

void CheckIds(const model::ItemTable& table, std::span<const int64_t> ids, const char* what) {
  for (const int64_t id : ids) {
    PPR_BUG_IF_NOT(id >= 1 && id <= table.owners.num_items(), std::string(what) + " " + std::to_string(id) +
                                                                  ": item ids are 1.." +
                                                                  std::to_string(table.owners.num_items()));
  }
}

// Rounds of `round_cases` that the rank with the most cases needs: every rank takes part in all of them.
// Collective.
int64_t AgreedRounds(dist::Communicator& communicator, int64_t cases, int64_t round_cases) {
  at::Tensor most = at::full({1}, cases, at::kLong);
  communicator.AllReduce(most, dist::ReduceOp::kMax);
  return (most.item<int64_t>() + round_cases - 1) / round_cases;
}

// Throws the same error on every rank when any rank names a case whose score is not a number. Collective.
void RefuseNotANumber(dist::Communicator& communicator, const std::optional<int64_t>& bad_case,
                      const std::vector<int64_t>& targets, const CaseName& name_of) {
  at::Tensor first_rank = at::full({1}, bad_case ? communicator.rank() : communicator.size(), at::kLong);
  communicator.AllReduce(first_rank, dist::ReduceOp::kMin);
  const int root = static_cast<int>(first_rank.item<int64_t>());
  if (root == communicator.size()) return;
  std::string text;
  if (root == communicator.rank()) {
    const int64_t i = *bad_case;
    text = name_of ? name_of(i) : "case " + std::to_string(i) + " of rank " + std::to_string(root);
    text =
        "cannot rank " + text + " (target item " + std::to_string(targets[static_cast<size_t>(i)]) +
        "): a score is not a number. The user vector or an item row holds NaN or infinity, so training has "
        "diverged: go back to an earlier checkpoint, or train again with a lower learning rate.";
  }
  throw DoNotRestartError(dist::BroadcastText(communicator, text, root));
}

// ---- against stored candidates ----

// Counts a case whose scores are its target's and then its candidates'. False when one is not a number.
bool CountCase(std::span<const float> scores, RankCounts* count) {
  *count = {.others = static_cast<int64_t>(scores.size()) - 1};
  bool comparable = scores[0] == scores[0];
  for (size_t j = 1; j < scores.size(); ++j) {
    count->greater += scores[j] > scores[0];
    count->equal += scores[j] == scores[0];
    comparable &= scores[j] == scores[j];
  }
  return comparable;
}

// The rows that the cases need, wherever they live: `rows` [U, d] and, for each id, its row number.
struct FetchedRows {
  at::Tensor rows;
  std::vector<int64_t> index;
};

FetchedRows FetchRows(dist::Communicator& communicator, const model::ItemTable& table,
                      const std::vector<int64_t>& ids) {
  FetchedRows fetched;
  if (communicator.size() == 1) {  // all rows are here: no copy
    fetched.rows = table.rows;
    fetched.index.reserve(ids.size());
    for (const int64_t id : ids) fetched.index.push_back(table.owners.slot(id));
    return fetched;
  }
  dist::RowExchange exchange(communicator, table.owners);
  const dist::ExchangePlan plan = exchange.MakePlan(ids, &fetched.index);
  fetched.rows = exchange.Fetch(plan, table.rows);
  return fetched;
}

// Counts the cases users [n, d]; the row numbers of case i are those of its target and its candidates. The
// bad case, if any, is the first with a score that is not a number.
std::optional<int64_t> CountCandidates(const at::Tensor& users, const FetchedRows& fetched,
                                       int64_t candidates_per_case, RankCounts* counts) {
  constexpr int64_t kCasesPerTask = 16;
  const int64_t cases = users.size(0), width = users.size(1), scores_per_case = candidates_per_case + 1;
  const float* queries = users.const_data_ptr<float>();
  const float* rows = fetched.rows.const_data_ptr<float>();
  std::vector<char> bad(static_cast<size_t>(cases), 0);
  at::parallel_for(0, cases, kCasesPerTask, [&](int64_t begin, int64_t end) {
    std::vector<float> scores(static_cast<size_t>(scores_per_case));
    for (int64_t i = begin; i < end; ++i) {
      const std::span<const int64_t> index(fetched.index.data() + i * scores_per_case, scores.size());
      ScoreRows(queries + i * width, rows, index, width, scores.data());
      bad[static_cast<size_t>(i)] = !CountCase(scores, &counts[i]);
    }
  });
  const auto first = std::find(bad.begin(), bad.end(), char{1});
  return first == bad.end() ? std::nullopt : std::optional<int64_t>(first - bad.begin());
}

// ---- against the full catalogue ----

// The queries of one round from all ranks, in rank order; the same on every rank.
struct CatalogueRound {
  std::vector<int64_t> queries_of_rank;  // [W]
  at::Tensor users;                      // [Q, d] f32
  at::Tensor targets;                    // [Q] int64
  at::Tensor removed_lengths;            // [Q] int64
  at::Tensor removed;  // ids not to be counted (target, earlier clicks), distinct within a query
};

// The rows of all ranks in rank order. Collective; no copy on one rank.
at::Tensor GatherRows(dist::Communicator& communicator, const at::Tensor& input,
                      const std::vector<int64_t>& counts) {
  if (communicator.size() == 1) return input;
  std::vector<int64_t> shape = input.sizes().vec();
  shape[0] = 0;
  for (const int64_t count : counts) shape[0] += count;
  at::Tensor output = at::empty(shape, input.options());
  communicator.AllGatherV(input.contiguous(), output, counts);
  return output;
}

std::vector<int64_t> GatherCounts(dist::Communicator& communicator, int64_t count) {
  at::Tensor counts = at::empty({communicator.size()}, at::kLong);
  communicator.AllGather(at::full({1}, count, at::kLong), counts);
  const int64_t* values = counts.const_data_ptr<int64_t>();
  return {values, values + counts.numel()};
}

// Cases begin..end of this rank and those of the others. Also gives the number of ids removed of each own
// case.
CatalogueRound GatherRound(dist::Communicator& communicator, const model::ItemTable& table,
                           const at::Tensor& users, const std::vector<int64_t>& targets,
                           const std::vector<std::span<const int32_t>>& excluded, int64_t begin, int64_t end,
                           std::vector<int64_t>* own_removed) {
  std::vector<int64_t> removed, one_case;
  own_removed->clear();
  for (size_t i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
    one_case.assign(excluded[i].begin(), excluded[i].end());
    one_case.push_back(targets[i]);
    std::sort(one_case.begin(), one_case.end());
    one_case.erase(std::unique(one_case.begin(), one_case.end()), one_case.end());
    CheckIds(table, one_case, "excluded item");
    removed.insert(removed.end(), one_case.begin(), one_case.end());
    own_removed->push_back(static_cast<int64_t>(one_case.size()));
  }
  const auto as_tensor = [](const int64_t* values, size_t count) {
    at::Tensor tensor = at::empty({static_cast<int64_t>(count)}, at::kLong);
    std::copy_n(values, count, tensor.mutable_data_ptr<int64_t>());
    return tensor;
  };
  CatalogueRound round;
  round.queries_of_rank = GatherCounts(communicator, end - begin);
  round.users = GatherRows(communicator, users.slice(0, begin, end), round.queries_of_rank);
  round.targets =
      GatherRows(communicator, as_tensor(targets.data() + begin, static_cast<size_t>(end - begin)),
                 round.queries_of_rank);
  round.removed_lengths =
      GatherRows(communicator, as_tensor(own_removed->data(), own_removed->size()), round.queries_of_rank);
  const std::vector<int64_t> removed_of_rank =
      GatherCounts(communicator, static_cast<int64_t>(removed.size()));
  round.removed = GatherRows(communicator, as_tensor(removed.data(), removed.size()), removed_of_rank);
  return round;
}

// The targets' scores [Q] from their owners. Collective.
at::Tensor TargetScores(dist::Communicator& communicator, const model::ItemTable& table,
                        const CatalogueRound& round) {
  const int64_t width = table.rows.size(1);
  at::Tensor scores = at::zeros({round.users.size(0)}, at::kFloat);
  float* score = scores.mutable_data_ptr<float>();
  const float* queries = round.users.const_data_ptr<float>();
  const float* rows = table.rows.const_data_ptr<float>();
  const int64_t* targets = round.targets.const_data_ptr<int64_t>();
  for (int64_t q = 0; q < scores.numel(); ++q) {
    if (table.owners.owner(targets[q]) != communicator.rank()) continue;
    const int64_t slot = table.owners.slot(targets[q]);
    ScoreRows(queries + q * width, rows, {&slot, 1}, width, score + q);
  }
  communicator.AllReduce(scores);  // one owner adds its score, the others exact zeros
  return scores;
}

// Counts all rows of this shard for all queries; threads share the rows out and add integers, so order does
// not matter.
std::vector<ScoreCounts> CountShard(const model::ItemTable& table, const at::Tensor& users,
                                    std::span<const float> thresholds) {
  constexpr int64_t kRowsPerTask = 1024;
  const int64_t width = table.rows.size(1);
  const QueryGroups queries(users.const_data_ptr<float>(), users.size(0), width);
  const float* rows = table.rows.const_data_ptr<float>();
  std::vector<ScoreCounts> total(thresholds.size());
  std::mutex mutex;
  at::parallel_for(0, table.rows.size(0), kRowsPerTask, [&](int64_t begin, int64_t end) {
    std::vector<ScoreCounts> part(thresholds.size());
    CountScores(queries, rows + begin * width, end - begin, thresholds, part);
    const std::lock_guard<std::mutex> lock(mutex);
    for (size_t q = 0; q < total.size(); ++q) {
      total[q].greater += part[q].greater;
      total[q].equal += part[q].equal;
      total[q].not_a_number += part[q].not_a_number;
    }
  });
  return total;
}

// Takes the target and the excluded items that live on this shard out of the counts: cheaper than testing for
// them in the loop over all rows, and exact because a score is the same wherever it is computed.
void RemoveExcluded(const model::ItemTable& table, const CatalogueRound& round,
                    std::span<const float> thresholds, std::vector<ScoreCounts>& counts) {
  const int64_t width = table.rows.size(1);
  const float* queries = round.users.const_data_ptr<float>();
  const float* rows = table.rows.const_data_ptr<float>();
  const int64_t* lengths = round.removed_lengths.const_data_ptr<int64_t>();
  const int64_t* id = round.removed.const_data_ptr<int64_t>();
  std::vector<int64_t> slots;
  std::vector<float> scores;
  for (size_t q = 0; q < counts.size(); ++q) {
    slots.clear();
    for (const int64_t* end = id + lengths[q]; id != end; ++id) {
      if (table.owners.owner(*id) == table.rank) slots.push_back(table.owners.slot(*id));
    }
    scores.resize(slots.size());
    ScoreRows(queries + static_cast<int64_t>(q) * width, rows, slots, width, scores.data());
    for (const float score : scores) {
      counts[q].greater -= score > thresholds[q];
      counts[q].equal -= score == thresholds[q];
    }
  }
}

// [Q, 3] int64 over all shards: greater, equal, not a number. Collective.
at::Tensor CountOnAllShards(dist::Communicator& communicator, const model::ItemTable& table,
                            const CatalogueRound& round) {
  const at::Tensor target_scores = TargetScores(communicator, table, round);
  const std::span<const float> thresholds(target_scores.const_data_ptr<float>(),
                                          static_cast<size_t>(target_scores.numel()));
  std::vector<ScoreCounts> counts = CountShard(table, round.users, thresholds);
  RemoveExcluded(table, round, thresholds, counts);
  at::Tensor sums = at::empty({target_scores.numel(), 3}, at::kLong);
  int64_t* sum = sums.mutable_data_ptr<int64_t>();
  for (const ScoreCounts& count : counts) {
    *sum++ = count.greater;
    *sum++ = count.equal;
    *sum++ = count.not_a_number;
  }
  communicator.AllReduce(sums);
  return sums;
}

}  // namespace

std::vector<RankCounts> RankAgainstCandidates(dist::Communicator& communicator, const model::ItemTable& table,
                                              const at::Tensor& users, const std::vector<int64_t>& targets,
                                              const std::vector<int64_t>& candidates,
                                              int64_t candidates_per_case, const CaseName& name_of) {
  constexpr int64_t kRoundCases = 1024;  // bounds the rows held at a time
  const int64_t cases = static_cast<int64_t>(targets.size());
  CheckInputs(communicator, table, users, targets.size());
  PPR_BUG_IF_NOT(static_cast<int64_t>(candidates.size()) == cases * candidates_per_case,
                 std::to_string(candidates.size()) + " candidates for " + std::to_string(cases) +
                     " cases of " + std::to_string(candidates_per_case));
  CheckIds(table, targets, "target");
  CheckIds(table, candidates, "candidate");
  const at::Tensor queries = users.contiguous();
  std::vector<RankCounts> counts(targets.size());
  std::optional<int64_t> bad_case;
  const int64_t rounds = AgreedRounds(communicator, cases, kRoundCases);
  for (int64_t round = 0; round < rounds; ++round) {
    const int64_t begin = std::min(cases, round * kRoundCases), end = std::min(cases, begin + kRoundCases);
    std::vector<int64_t> ids;
    ids.reserve(static_cast<size_t>((end - begin) * (candidates_per_case + 1)));
    for (int64_t i = begin; i < end; ++i) {
      ids.push_back(targets[static_cast<size_t>(i)]);
      const int64_t* first = candidates.data() + i * candidates_per_case;
      ids.insert(ids.end(), first, first + candidates_per_case);
    }
    const FetchedRows fetched = FetchRows(communicator, table, ids);
    const std::optional<int64_t> bad =
        CountCandidates(queries.slice(0, begin, end), fetched, candidates_per_case, counts.data() + begin);
    if (bad && !bad_case) bad_case = begin + *bad;
  }
  RefuseNotANumber(communicator, bad_case, targets, name_of);
  return counts;
}

std::vector<RankCounts> RankScores(dist::Communicator& communicator, const at::Tensor& scores,
                                   const std::vector<int64_t>& targets, const CaseName& name_of) {
  PPR_BUG_IF_NOT(scores.dim() == 2 && scores.size(0) == static_cast<int64_t>(targets.size()) &&
                     scores.size(1) >= 1 && scores.scalar_type() == at::kFloat,
                 "scores must be [cases, 1 + candidates] float32");
  const at::Tensor rows = scores.contiguous();
  std::vector<RankCounts> counts(targets.size());
  std::optional<int64_t> bad_case;
  for (size_t i = 0; i < targets.size(); ++i) {
    const auto width = static_cast<size_t>(rows.size(1));
    const bool comparable = CountCase({rows.const_data_ptr<float>() + i * width, width}, &counts[i]);
    if (!comparable && !bad_case) bad_case = static_cast<int64_t>(i);
  }
  RefuseNotANumber(communicator, bad_case, targets, name_of);
  return counts;
}

std::vector<RankCounts> RankAgainstCatalogue(dist::Communicator& communicator, const model::ItemTable& table,
                                             const at::Tensor& users, const std::vector<int64_t>& targets,
                                             const std::vector<std::span<const int32_t>>& excluded,
                                             int64_t tile_bytes, const CaseName& name_of) {
  const int64_t cases = static_cast<int64_t>(targets.size());
  CheckInputs(communicator, table, users, targets.size());
  PPR_BUG_IF_NOT(
      excluded.size() == targets.size(),
      std::to_string(excluded.size()) + " lists of excluded items for " + std::to_string(cases) + " cases");
  CheckIds(table, targets, "target");
  const at::Tensor queries = users.contiguous();
  const int64_t query_bytes = std::max<int64_t>(1, table.rows.size(1)) * static_cast<int64_t>(sizeof(float));
  const int64_t round_cases = std::max<int64_t>(1, tile_bytes / (query_bytes * communicator.size()));
  std::vector<RankCounts> counts(targets.size());
  std::vector<int64_t> own_removed;
  std::optional<int64_t> bad_case;
  const int64_t rounds = AgreedRounds(communicator, cases, round_cases);
  for (int64_t number = 0; number < rounds; ++number) {
    const int64_t begin = std::min(cases, number * round_cases), end = std::min(cases, begin + round_cases);
    const CatalogueRound round =
        GatherRound(communicator, table, queries, targets, excluded, begin, end, &own_removed);
    const at::Tensor sums = CountOnAllShards(communicator, table, round);
    const int64_t* sum = sums.const_data_ptr<int64_t>();
    for (int r = 0; r < communicator.rank(); ++r) sum += 3 * round.queries_of_rank[static_cast<size_t>(r)];
    for (int64_t i = begin; i < end; ++i, sum += 3) {
      const int64_t others = table.owners.num_items() - own_removed[static_cast<size_t>(i - begin)];
      counts[static_cast<size_t>(i)] = {.greater = sum[0], .equal = sum[1], .others = others};
      if (sum[2] != 0 && !bad_case) bad_case = i;
    }
  }
  RefuseNotANumber(communicator, bad_case, targets, name_of);
  return counts;
}

}  // namespace ppr::evaluation
