#include "evaluation/case_evaluation.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

#include "base/errors.h"
#include "dist/dealt_rounds.h"
#include "evaluation/ranking.h"

namespace ppr::evaluation {

namespace {

bool Belongs(int32_t position, EvaluationTask task) {
  switch (task) {
    case EvaluationTask::kFewShot:
      return position > 0;
    case EvaluationTask::kZeroShot:
      return position == 0;
    case EvaluationTask::kJoint:
      return true;
    case EvaluationTask::kProfile:
      return false;
  }
  throw BugError("unknown evaluation task " + std::to_string(static_cast<int>(task)));
}

// What ranking needs to know of this rank's cases of one round.
struct RoundCases {
  std::vector<size_t> places;  // in the list of all cases
  std::vector<int64_t> cases;  // indices into dataset.cases
  std::vector<int64_t> targets;
  std::vector<int64_t> candidates;
  std::vector<std::span<const int32_t>> excluded;
};

// This rank's cases of one round, by their places in the list of all.
RoundCases CasesAt(const std::vector<int64_t>& places, const data::Dataset& dataset,
                   const std::vector<int64_t>& cases) {
  RoundCases mine;
  for (const int64_t dealt : places) {
    const auto place = static_cast<size_t>(dealt);
    const int64_t index = cases[place];
    const int32_t user = dataset.cases.user[static_cast<size_t>(index)];
    const size_t position = static_cast<size_t>(dataset.cases.position[static_cast<size_t>(index)]);
    const std::span<const int32_t> history = dataset.history(user);
    const std::span<const int32_t> candidates = dataset.cases.candidates_of(index);
    mine.places.push_back(place);
    mine.cases.push_back(index);
    mine.targets.push_back(history[position]);
    mine.candidates.insert(mine.candidates.end(), candidates.begin(), candidates.end());
    mine.excluded.push_back(history.first(position));
  }
  return mine;
}

// Numbers that travel for a case: greater, equal, others against the candidates, then against the catalogue.
constexpr int64_t kNumbersPerCase = 6;

void Store(const RoundCases& mine, const std::vector<RankCounts>& counts, int64_t first_number,
           at::Tensor numbers) {
  int64_t* number = numbers.mutable_data_ptr<int64_t>();
  for (size_t i = 0; i < mine.places.size(); ++i) {
    int64_t* at = number + static_cast<int64_t>(mine.places[i]) * kNumbersPerCase + first_number;
    at[0] = counts[i].greater;
    at[1] = counts[i].equal;
    at[2] = counts[i].others;
  }
}

// What a round of this rank's cases came to, under `numbers`.
using RankRound = std::function<void(const RoundCases& mine, const CaseName& name_of, at::Tensor numbers)>;

// Deals the cases in rounds, and gathers what `rank_round` makes of them.
CaseResults EvaluateRounds(dist::Communicator& communicator, const data::Dataset& dataset,
                           const std::vector<int64_t>& cases, int64_t batch_cases, bool full_catalogue,
                           const RankRound& rank_round) {
  PPR_BUG_IF_NOT(batch_cases >= 1, "batch_cases = " + std::to_string(batch_cases));
  at::Tensor numbers = at::zeros({static_cast<int64_t>(cases.size()), kNumbersPerCase}, at::kLong);
  const auto count = static_cast<int64_t>(cases.size());
  dist::DealInRounds(communicator, count, batch_cases, [&](const std::vector<int64_t>& places) {
    const RoundCases mine = CasesAt(places, dataset, cases);
    const CaseName name_of = [&](int64_t i) {
      const size_t index = static_cast<size_t>(mine.cases[static_cast<size_t>(i)]);
      const size_t user = static_cast<size_t>(dataset.cases.user[index]);
      return "position " + std::to_string(dataset.cases.position[index]) + " of user '" +
             dataset.user_ids[user] + "'";
    };
    rank_round(mine, name_of, numbers);
  });
  communicator.AllReduce(numbers);  // each case was filled in by one rank, the others add 0

  CaseResults results;
  results.cases = cases;
  const int64_t* number = numbers.const_data_ptr<int64_t>();
  for (size_t i = 0; i < cases.size(); ++i, number += kNumbersPerCase) {
    results.candidates.push_back({.greater = number[0], .equal = number[1], .others = number[2]});
    if (full_catalogue)
      results.catalogue.push_back({.greater = number[3], .equal = number[4], .others = number[5]});
  }
  return results;
}

}  // namespace

const settings::NameTable<EvaluationTask>& NamesOf(EvaluationTask) {
  static const settings::NameTable<EvaluationTask> names = {{"few_shot", EvaluationTask::kFewShot},
                                                            {"zero_shot", EvaluationTask::kZeroShot},
                                                            {"joint", EvaluationTask::kJoint},
                                                            {"profile", EvaluationTask::kProfile}};
  return names;
}

std::vector<int64_t> SelectCases(const data::Dataset& dataset, data::CasePart part, EvaluationTask task,
                                 int64_t shots) {
  std::vector<int64_t> selected;
  for (int64_t index = 0; index < dataset.cases.size(); ++index) {
    const size_t i = static_cast<size_t>(index);
    const int32_t position = dataset.cases.position[i];
    if (shots > 0 && position > shots) continue;
    if (dataset.cases.part[i] == part && Belongs(position, task)) selected.push_back(index);
  }
  return selected;
}

CaseResults EvaluateCases(dist::Communicator& communicator, const data::Dataset& dataset,
                          const model::ItemTable& table, const std::vector<int64_t>& cases,
                          const UserVectors& user_vectors, bool full_catalogue, int64_t batch_cases) {
  PPR_BUG_IF_NOT(table.owners.num_items() == dataset.num_items(),
                 "the item table has " + std::to_string(table.owners.num_items()) + " items, the dataset " +
                     std::to_string(dataset.num_items()));
  const RankRound rank_round = [&](const RoundCases& mine, const CaseName& name_of, at::Tensor numbers) {
    const at::Tensor users = user_vectors(mine.cases);
    Store(mine,
          RankAgainstCandidates(communicator, table, users, mine.targets, mine.candidates,
                                dataset.cases.num_candidates, name_of),
          0, numbers);
    if (!full_catalogue) return;
    constexpr int64_t kTileBytes = int64_t{64} << 20;
    Store(mine,
          RankAgainstCatalogue(communicator, table, users, mine.targets, mine.excluded, kTileBytes, name_of),
          3, numbers);
  };
  return EvaluateRounds(communicator, dataset, cases, batch_cases, full_catalogue, rank_round);
}

CaseResults EvaluateScoredCases(dist::Communicator& communicator, const data::Dataset& dataset,
                                const std::vector<int64_t>& cases, const CandidateScores& scores,
                                int64_t batch_cases) {
  const auto candidates = static_cast<size_t>(dataset.cases.num_candidates);
  const RankRound rank_round = [&](const RoundCases& mine, const CaseName& name_of, at::Tensor numbers) {
    std::vector<int64_t> items;
    for (size_t i = 0; i < mine.cases.size(); ++i) {
      const auto first = mine.candidates.begin() + static_cast<std::ptrdiff_t>(i * candidates);
      items.push_back(mine.targets[i]);
      items.insert(items.end(), first, first + static_cast<std::ptrdiff_t>(candidates));
    }
    Store(mine, RankScores(communicator, scores(mine.cases, items), mine.targets, name_of), 0, numbers);
  };
  return EvaluateRounds(communicator, dataset, cases, batch_cases, false, rank_round);
}

}  // namespace ppr::evaluation
