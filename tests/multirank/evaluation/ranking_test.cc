// Ranks of targets at W = 1, 2, 3, 4 against brute force in double precision. Vectors are small integers, so
// that every score is exact and ties are frequent, unless a test says otherwise.
//
// Longer than 450 lines: one brute force judges candidates, the catalogue and the cases of a dataset.
#include "evaluation/ranking.h"
#include "evaluation/case_evaluation.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <set>

#include "base/errors.h"
#include "base/random.h"
#include "support/run_ranks.h"
#include "unit/evaluation/ranking_dataset.h"

namespace ppr::evaluation {

static bool operator==(const RankCounts& a, const RankCounts& b) {
  return a.greater == b.greater && a.equal == b.equal && a.others == b.others;
}
static void PrintTo(const RankCounts& counts, std::ostream* stream) {
  *stream << counts.greater << " greater, " << counts.equal << " equal, " << counts.others << " others";
}

namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;

enum class Values { kIntegers, kNormal };

float Entry(Values values, uint64_t vector, int64_t column) {
  const RandomKey key = MakeRandomKey(7, RandomSite::kTest).With(vector);
  if (values == Values::kNormal) return static_cast<float>(key.Normal(static_cast<uint64_t>(column)));
  return static_cast<float>(key.Below(5, static_cast<uint64_t>(column))) - 2.0f;
}
float ItemEntry(Values values, int64_t item, int64_t column) {
  return Entry(values, static_cast<uint64_t>(item), column);
}
float UserEntry(Values values, int64_t user, int64_t column) {
  return Entry(values, 1'000'000 + static_cast<uint64_t>(user), column);
}

// The shard of a table whose row of item i is entry(i, column).
model::ItemTable MakeTable(const dist::Communicator& communicator, int64_t num_items, int64_t width,
                           const std::function<float(int64_t, int64_t)>& entry) {
  model::ItemTable table(num_items, width, communicator.rank(), communicator.size(), 1, 0.0);
  auto rows = table.rows.accessor<float, 2>();
  for (int64_t slot = 0; slot < rows.size(0); ++slot) {
    for (int64_t k = 0; k < width; ++k) rows[slot][k] = entry(table.owners.id(communicator.rank(), slot), k);
  }
  return table;
}
model::ItemTable MakeTable(const dist::Communicator& communicator, int64_t num_items, int64_t width,
                           Values values) {
  return MakeTable(communicator, num_items, width,
                   [values](int64_t item, int64_t column) { return ItemEntry(values, item, column); });
}

// Case i of a test, the same for any number of ranks: user vector i and these ids.
struct Problem {
  int64_t num_items = 0, width = 0, candidates_per_case = 0;
  Values values = Values::kIntegers;
  std::vector<int64_t> targets;
  std::vector<std::vector<int64_t>> candidates;  // shared between cases more often than not
  std::vector<std::vector<int32_t>> excluded;    // with repeats, some with the target

  int64_t size() const { return static_cast<int64_t>(targets.size()); }
};

Problem MakeProblem(int64_t cases, int64_t num_items, int64_t width, int64_t candidates_per_case,
                    Values values = Values::kIntegers) {
  const RandomKey key = MakeRandomKey(8, RandomSite::kTest);
  Problem problem{num_items, width, candidates_per_case, values, {}, {}, {}};
  for (int64_t i = 0; i < cases; ++i) {
    const RandomKey case_key = key.With(static_cast<uint64_t>(i));
    const auto item = [&](uint64_t draw) {
      return 1 + static_cast<int64_t>(case_key.Below(num_items, draw));
    };
    problem.targets.push_back(item(0));
    problem.candidates.emplace_back();
    for (int64_t c = 0; c < candidates_per_case; ++c) problem.candidates.back().push_back(item(100 + c));
    problem.excluded.emplace_back();
    for (int64_t e = 0; e < i % 7; ++e)
      problem.excluded.back().push_back(static_cast<int32_t>(item(200 + e / 2)));
    if (i % 5 == 4) problem.excluded.back().push_back(static_cast<int32_t>(problem.targets.back()));
  }
  return problem;
}

double BruteScore(const Problem& problem, int64_t user, int64_t item) {
  double score = 0;
  for (int64_t k = 0; k < problem.width; ++k) {
    score += static_cast<double>(UserEntry(problem.values, user, k)) * ItemEntry(problem.values, item, k);
  }
  return score;
}

void Compare(double score, double target_score, RankCounts& counts) {
  counts.greater += score > target_score;
  counts.equal += score == target_score;
  counts.others += 1;
}

RankCounts BruteCandidates(const Problem& problem, int64_t i) {
  RankCounts counts;
  const double target_score = BruteScore(problem, i, problem.targets[i]);
  for (const int64_t item : problem.candidates[i])
    Compare(BruteScore(problem, i, item), target_score, counts);
  return counts;
}

RankCounts BruteCatalogue(const Problem& problem, int64_t i) {
  RankCounts counts;
  std::set<int64_t> removed(problem.excluded[i].begin(), problem.excluded[i].end());
  removed.insert(problem.targets[i]);
  const double target_score = BruteScore(problem, i, problem.targets[i]);
  for (int64_t item = 1; item <= problem.num_items; ++item) {
    if (!removed.contains(item)) Compare(BruteScore(problem, i, item), target_score, counts);
  }
  return counts;
}

// Where the cases lie: rank r holds first[r] .. first[r + 1].
enum class Spread { kEven, kAllOnLast, kNoneOnFirst };

struct Share {
  int64_t begin, end;
};
Share ShareOf(Spread spread, int64_t cases, int rank, int world_size) {
  switch (spread) {
    case Spread::kEven:
      return {cases * rank / world_size, cases * (rank + 1) / world_size};
    case Spread::kAllOnLast:
      return {rank == world_size - 1 ? 0 : cases, cases};
    case Spread::kNoneOnFirst: {
      const int64_t holders = std::max(1, world_size - 1), holder = rank - (world_size > 1 ? 1 : 0);
      if (holder < 0) return {0, 0};
      return {cases * holder * holder / (holders * holders),
              cases * (holder + 1) * (holder + 1) / (holders * holders)};
    }
  }
  throw BugError("unknown spread");
}

// A rank's arguments.
struct Arguments {
  at::Tensor users;
  std::vector<int64_t> targets, candidates;
  std::vector<std::span<const int32_t>> excluded;
};
Arguments ArgumentsOf(const Problem& problem, Share share) {
  Arguments arguments;
  arguments.users = at::empty({share.end - share.begin, problem.width});
  auto users = arguments.users.accessor<float, 2>();
  for (int64_t i = share.begin; i < share.end; ++i) {
    for (int64_t k = 0; k < problem.width; ++k) users[i - share.begin][k] = UserEntry(problem.values, i, k);
    arguments.targets.push_back(problem.targets[i]);
    arguments.candidates.insert(arguments.candidates.end(), problem.candidates[i].begin(),
                                problem.candidates[i].end());
    arguments.excluded.emplace_back(problem.excluded[i]);
  }
  return arguments;
}

// All cases' counts when world_size ranks do the work. tile_bytes = 0 means the default.
std::vector<RankCounts> CandidateCounts(const Problem& problem, int world_size, Spread spread) {
  std::vector<RankCounts> all(problem.targets.size());
  test::RunRanks(world_size, [&](dist::Communicator& communicator) {
    const model::ItemTable table = MakeTable(communicator, problem.num_items, problem.width, problem.values);
    const Share share = ShareOf(spread, problem.size(), communicator.rank(), world_size);
    const Arguments mine = ArgumentsOf(problem, share);
    const std::vector<RankCounts> counts = RankAgainstCandidates(
        communicator, table, mine.users, mine.targets, mine.candidates, problem.candidates_per_case);
    EXPECT_EQ(static_cast<int64_t>(counts.size()), share.end - share.begin);
    std::copy(counts.begin(), counts.end(), all.begin() + share.begin);
  });
  return all;
}

std::vector<RankCounts> CatalogueCounts(const Problem& problem, int world_size, Spread spread,
                                        int64_t tile_bytes = 64 << 20) {
  std::vector<RankCounts> all(problem.targets.size());
  test::RunRanks(world_size, [&](dist::Communicator& communicator) {
    const model::ItemTable table = MakeTable(communicator, problem.num_items, problem.width, problem.values);
    const Share share = ShareOf(spread, problem.size(), communicator.rank(), world_size);
    const Arguments mine = ArgumentsOf(problem, share);
    const std::vector<RankCounts> counts =
        RankAgainstCatalogue(communicator, table, mine.users, mine.targets, mine.excluded, tile_bytes);
    EXPECT_EQ(static_cast<int64_t>(counts.size()), share.end - share.begin);
    std::copy(counts.begin(), counts.end(), all.begin() + share.begin);
  });
  return all;
}

constexpr Spread kSpreads[] = {Spread::kEven, Spread::kAllOnLast, Spread::kNoneOnFirst};

class Ranking : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, Ranking, testing::Values(1, 2, 3, 4),
                         [](const auto& parameter) { return "W" + std::to_string(parameter.param); });

TEST_P(Ranking, CandidatesEqualBruteForce) {
  for (const int64_t num_items : {1, 3, 50}) {  // 1 and 3: fewer items than ranks
    for (const Spread spread : kSpreads) {
      const Problem problem = MakeProblem(43, num_items, 6, 9);
      const std::vector<RankCounts> found = CandidateCounts(problem, GetParam(), spread);
      for (int64_t i = 0; i < problem.size(); ++i)
        EXPECT_EQ(found[i], BruteCandidates(problem, i)) << "case " << i;
    }
  }
}

TEST_P(Ranking, CatalogueEqualsBruteForce) {
  for (const int64_t num_items : {1, 3, 50, 2500}) {  // 2500: several tasks of rows
    for (const Spread spread : kSpreads) {
      const Problem problem = MakeProblem(43, num_items, 6, 1);
      const std::vector<RankCounts> found = CatalogueCounts(problem, GetParam(), spread);
      for (int64_t i = 0; i < problem.size(); ++i)
        EXPECT_EQ(found[i], BruteCatalogue(problem, i)) << "case " << i;
    }
  }
}

TEST_P(Ranking, CatalogueInManyRounds) {
  const Problem problem = MakeProblem(43, 50, 6, 1);
  for (const int64_t tile_bytes : {1, 4 * 6 * 5 * 4}) {  // one case a rank and round, and a few
    for (const Spread spread : kSpreads) {
      const std::vector<RankCounts> found = CatalogueCounts(problem, GetParam(), spread, tile_bytes);
      for (int64_t i = 0; i < problem.size(); ++i)
        EXPECT_EQ(found[i], BruteCatalogue(problem, i)) << "case " << i;
    }
  }
}

TEST_P(Ranking, CandidatesInManyRounds) {
  const Problem problem = MakeProblem(2500, 20, 3, 2);  // a round has 1024 cases a rank
  const std::vector<RankCounts> found = CandidateCounts(problem, GetParam(), Spread::kAllOnLast);
  for (int64_t i = 0; i < problem.size(); ++i)
    EXPECT_EQ(found[i], BruteCandidates(problem, i)) << "case " << i;
}

TEST_P(Ranking, NoCasesAtAll) {
  const Problem problem = MakeProblem(0, 50, 6, 4);
  EXPECT_TRUE(CandidateCounts(problem, GetParam(), Spread::kEven).empty());
  EXPECT_TRUE(CatalogueCounts(problem, GetParam(), Spread::kEven).empty());
}

// Real values round; the counts must still be those of one rank, to the last one.
TEST_P(Ranking, RealValuesGiveTheCountsOfOneRank) {
  const Problem problem = MakeProblem(40, 3000, 50, 20, Values::kNormal);
  EXPECT_EQ(CandidateCounts(problem, GetParam(), Spread::kEven), CandidateCounts(problem, 1, Spread::kEven));
  EXPECT_EQ(CatalogueCounts(problem, GetParam(), Spread::kNoneOnFirst),
            CatalogueCounts(problem, 1, Spread::kEven));
}

// Rows that are equal tie exactly, on whichever rank and at whatever place of a tile they lie; their scores
// round.
TEST_P(Ranking, EqualRowsTieAcrossRanks) {
  constexpr int64_t kItems = 1037, kWidth = 50, kKinds = 3;
  test::RunRanks(GetParam(), [&](dist::Communicator& communicator) {
    const model::ItemTable table = MakeTable(communicator, kItems, kWidth, [](int64_t item, int64_t column) {
      return ItemEntry(Values::kNormal, item % kKinds, column);
    });
    Problem problem = MakeProblem(17, kItems, kWidth, 10, Values::kNormal);
    for (auto& excluded : problem.excluded) excluded.clear();
    const Arguments mine = ArgumentsOf(problem, {0, 17});
    const auto catalogue = RankAgainstCatalogue(communicator, table, mine.users, mine.targets, mine.excluded);
    const auto candidates =
        RankAgainstCandidates(communicator, table, mine.users, mine.targets, mine.candidates, 10);
    for (size_t i = 0; i < catalogue.size(); ++i) {
      const int64_t kind = mine.targets[i] % kKinds;
      EXPECT_EQ(catalogue[i].equal, (kItems - kind) / kKinds + (kind == 0 ? 0 : 1) - 1) << "case " << i;
      const auto& stored = problem.candidates[i];
      EXPECT_EQ(candidates[i].equal, std::count_if(stored.begin(), stored.end(),
                                                   [&](int64_t item) { return item % kKinds == kind; }));
    }
  });
}

TEST_P(Ranking, ConstantScorerIsARandomOne) {
  test::RunRanks(GetParam(), [&](dist::Communicator& communicator) {
    const model::ItemTable table = MakeTable(
        communicator, 500, 50, [](int64_t, int64_t column) { return ItemEntry(Values::kNormal, 1, column); });
    const Problem problem = MakeProblem(5, 500, 50, 99, Values::kNormal);
    const Arguments mine = ArgumentsOf(problem, {0, 5});
    const auto counts =
        RankAgainstCandidates(communicator, table, mine.users, mine.targets, mine.candidates, 99);
    EXPECT_THAT(counts, Each(RankCounts{.greater = 0, .equal = 99, .others = 99}));
    EXPECT_NEAR(MeansOf(counts).Named("hit@10"), 0.10, 1e-12);
    for (const RankCounts& count :
         RankAgainstCatalogue(communicator, table, mine.users, mine.targets, mine.excluded)) {
      EXPECT_EQ(count.equal, count.others);
    }
  });
}

// Runs `body` and returns the message of the DoNotRestartError that it must end in.
std::string Refusal(const std::function<void()>& body) {
  try {
    body();
  } catch (const DoNotRestartError& error) {
    return error.what();
  }
  return "accepted";
}

TEST_P(Ranking, NotANumberIsRefusedOnEveryRank) {
  const Problem problem = MakeProblem(8, 50, 6, 49);
  for (const bool in_table : {false, true}) {
    test::RunRanks(GetParam(), [&](dist::Communicator& communicator) {
      const float nan = std::numeric_limits<float>::quiet_NaN();
      const model::ItemTable table = MakeTable(communicator, 50, 6, [&](int64_t item, int64_t column) {
        return in_table && item == 31 ? nan : ItemEntry(Values::kIntegers, item, column);
      });
      const int last = communicator.size() - 1;
      Arguments mine =
          ArgumentsOf(problem, ShareOf(Spread::kAllOnLast, 8, communicator.rank(), communicator.size()));
      if (!in_table && communicator.rank() == last) mine.users[5][2].fill_(nan);
      if (communicator.rank() == last) mine.candidates[5 * 49 + 48] = 31;
      const std::string candidates = Refusal(
          [&] { RankAgainstCandidates(communicator, table, mine.users, mine.targets, mine.candidates, 49); });
      const std::string catalogue = Refusal(
          [&] { RankAgainstCatalogue(communicator, table, mine.users, mine.targets, mine.excluded); });
      const std::string rank = " of rank " + std::to_string(last);
      EXPECT_THAT(candidates, AllOf(HasSubstr("not a number"), HasSubstr(in_table ? rank : "case 5" + rank)));
      EXPECT_THAT(catalogue,
                  AllOf(HasSubstr("not a number"), HasSubstr((in_table ? "case 0" : "case 5") + rank)));
    });
  }
}

TEST(RankingOneRank, IdsOutOfRangeAreABug) {
  const auto communicator = dist::MakeSingleRankCommunicator();
  const model::ItemTable table = MakeTable(*communicator, 5, 2, Values::kIntegers);
  const at::Tensor user = at::zeros({1, 2});
  const std::vector<int32_t> zero = {0}, six = {6}, none;
  EXPECT_THROW(RankAgainstCandidates(*communicator, table, user, {6}, {1}, 1), BugError);
  EXPECT_THROW(RankAgainstCandidates(*communicator, table, user, {1}, {0}, 1), BugError);
  EXPECT_THROW(RankAgainstCandidates(*communicator, table, user, {1}, {1, 2}, 1), BugError);
  EXPECT_THROW(RankAgainstCatalogue(*communicator, table, user, {0}, {none}), BugError);
  EXPECT_THROW(RankAgainstCatalogue(*communicator, table, user, {1}, {zero}), BugError);
  EXPECT_THROW(RankAgainstCatalogue(*communicator, table, user, {1}, {six}), BugError);
  EXPECT_THROW(RankAgainstCatalogue(*communicator, table, at::zeros({1, 3}), {1}, {none}), BugError);
  EXPECT_THROW(RankAgainstCatalogue(*communicator, table, at::zeros({1, 2}, at::kDouble), {1}, {none}),
               BugError);
}

// ---- the evaluation of a dataset ----

constexpr int32_t kItems = 30;
constexpr int64_t kWidth = 4;

at::Tensor UserVectorsOf(const data::Dataset& dataset, std::span<const int64_t> cases) {
  at::Tensor vectors = at::empty({static_cast<int64_t>(cases.size()), kWidth});
  auto values = vectors.accessor<float, 2>();
  for (size_t i = 0; i < cases.size(); ++i) {
    const size_t index = static_cast<size_t>(cases[i]);
    const int64_t user = dataset.cases.user[index] * 10 + dataset.cases.position[index];
    for (int64_t k = 0; k < kWidth; ++k) values[i][k] = UserEntry(Values::kIntegers, user, k);
  }
  return vectors;
}

// The same case as a Problem of one.
Problem ProblemOf(const data::Dataset& dataset, int64_t index) {
  const auto history = dataset.history(dataset.cases.user[index]);
  const auto candidates = dataset.cases.candidates_of(index);
  const size_t position = static_cast<size_t>(dataset.cases.position[index]);
  Problem problem{kItems, kWidth, dataset.cases.num_candidates, Values::kIntegers, {}, {}, {}};
  problem.targets = {history[position]};
  problem.candidates = {{candidates.begin(), candidates.end()}};
  problem.excluded = {{history.begin(), history.begin() + static_cast<int64_t>(position)}};
  return problem;
}

RankCounts BruteCase(const data::Dataset& dataset, int64_t index, bool catalogue) {
  const Problem problem = ProblemOf(dataset, index);
  const int64_t user = dataset.cases.user[index] * 10 + dataset.cases.position[index];
  const double target_score = BruteScore(problem, user, problem.targets[0]);
  RankCounts counts;
  if (!catalogue) {
    for (const int64_t item : problem.candidates[0])
      Compare(BruteScore(problem, user, item), target_score, counts);
    return counts;
  }
  std::set<int64_t> removed(problem.excluded[0].begin(), problem.excluded[0].end());
  removed.insert(problem.targets[0]);
  for (int64_t item = 1; item <= kItems; ++item) {
    if (!removed.contains(item)) Compare(BruteScore(problem, user, item), target_score, counts);
  }
  return counts;
}

class Evaluation : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, Evaluation, testing::Values(1, 2, 3, 4),
                         [](const auto& parameter) { return "W" + std::to_string(parameter.param); });

TEST_P(Evaluation, EveryCaseOnceOnEveryRank) {
  const data::Dataset dataset = test::MakeRankingDataset(37, kItems, 5);
  const std::vector<int64_t> cases = SelectCases(dataset, data::CasePart::kColdTest, EvaluationTask::kJoint);
  for (const int64_t batch_cases : {1, 3, 512}) {
    std::vector<std::atomic<int>> seen(static_cast<size_t>(dataset.cases.size()));
    std::vector<int> calls(static_cast<size_t>(GetParam()), 0);
    test::RunRanks(GetParam(), [&](dist::Communicator& communicator) {
      const model::ItemTable table = MakeTable(communicator, kItems, kWidth, Values::kIntegers);
      const UserVectors user_vectors = [&](std::span<const int64_t> mine) {
        ++calls[static_cast<size_t>(communicator.rank())];
        EXPECT_LE(static_cast<int64_t>(mine.size()), batch_cases);
        for (const int64_t index : mine) ++seen[static_cast<size_t>(index)];
        communicator.Barrier();  // an encoder fetches rows here: every rank must come along
        return UserVectorsOf(dataset, mine);
      };
      const CaseResults results =
          EvaluateCases(communicator, dataset, table, cases, user_vectors, true, batch_cases);
      EXPECT_EQ(results.cases, cases);
      for (size_t i = 0; i < cases.size(); ++i) {
        EXPECT_EQ(results.candidates[i], BruteCase(dataset, cases[i], false)) << "case " << cases[i];
        EXPECT_EQ(results.catalogue[i], BruteCase(dataset, cases[i], true)) << "case " << cases[i];
      }
    });
    EXPECT_THAT(calls, Each(calls[0]));
    for (int64_t index = 0; index < dataset.cases.size(); ++index) {
      const bool asked = std::binary_search(cases.begin(), cases.end(), index);
      EXPECT_EQ(seen[static_cast<size_t>(index)], asked ? 1 : 0) << "case " << index;
    }
  }
}

TEST_P(Evaluation, CatalogueOnRequestOnlyAndNoCases) {
  const data::Dataset dataset = test::MakeRankingDataset(11, kItems, 5);
  const std::vector<int64_t> cases = SelectCases(dataset, data::CasePart::kWarmDev, EvaluationTask::kJoint);
  test::RunRanks(GetParam(), [&](dist::Communicator& communicator) {
    const model::ItemTable table = MakeTable(communicator, kItems, kWidth, Values::kIntegers);
    const UserVectors user_vectors = [&](std::span<const int64_t> mine) {
      return UserVectorsOf(dataset, mine);
    };
    const CaseResults some = EvaluateCases(communicator, dataset, table, cases, user_vectors, false);
    EXPECT_EQ(some.candidates.size(), cases.size());
    EXPECT_TRUE(some.catalogue.empty());
    const CaseResults none = EvaluateCases(communicator, dataset, table, {}, user_vectors, true);
    EXPECT_TRUE(none.candidates.empty());
    EXPECT_TRUE(none.catalogue.empty());
  });
}

TEST_P(Evaluation, NotANumberNamesUserAndPosition) {
  const data::Dataset dataset = test::MakeRankingDataset(11, kItems, 5);
  const std::vector<int64_t> cases = SelectCases(dataset, data::CasePart::kColdTest, EvaluationTask::kJoint);
  const int64_t bad = cases[cases.size() / 2];
  const std::string name = "position " + std::to_string(dataset.cases.position[bad]) + " of user '" +
                           dataset.user_ids[static_cast<size_t>(dataset.cases.user[bad])] + "'";
  test::RunRanks(GetParam(), [&](dist::Communicator& communicator) {
    const model::ItemTable table = MakeTable(communicator, kItems, kWidth, Values::kIntegers);
    const UserVectors user_vectors = [&](std::span<const int64_t> mine) {
      at::Tensor vectors = UserVectorsOf(dataset, mine);
      for (size_t i = 0; i < mine.size(); ++i) {
        if (mine[i] == bad) vectors[static_cast<int64_t>(i)].fill_(std::numeric_limits<float>::quiet_NaN());
      }
      return vectors;
    };
    const std::string message =
        Refusal([&] { EvaluateCases(communicator, dataset, table, cases, user_vectors, true, 4); });
    EXPECT_THAT(message, HasSubstr(name));
  });
}

}  // namespace
}  // namespace ppr::evaluation
