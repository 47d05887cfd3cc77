// What the stages ask a model for, at W = 1, 2, 3, 4: predicted profile values, users of another domain, and
// the ranks of targets that a pair scorer gives. The answers are the same for any number of ranks, on all.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>
#include <span>

#include "competitor_trace.h"
#include "dist/local/local_communicator.h"
#include "recommender/profile_prediction.h"
#include "recommender/source_users.h"
#include "support/run_ranks.h"
#include "train/competitors/melu_recommender.h"
#include "train/competitors/minet_recommender.h"

namespace ppr::train {
namespace {

constexpr uint64_t kSeed = 5;
constexpr int64_t kWidth = 16;
// User vectors are float32; computed beside others they differ by the rounding of sums over 16 columns.
constexpr double kRounding = 1e-5;

// Answers of all W ranks.
template <typename Answer>
std::vector<Answer> OnRanks(int world_size, const std::function<Answer(dist::Communicator&)>& ask) {
  std::vector<Answer> answers(static_cast<size_t>(world_size));
  test::RunRanks(world_size, [&](dist::Communicator& communicator) {
    at::set_num_threads(1);
    answers[static_cast<size_t>(communicator.rank())] = ask(communicator);
  });
  return answers;
}

std::vector<int32_t> AllUsersWithCity(const data::Dataset& dataset) {
  std::vector<int32_t> users(static_cast<size_t>(dataset.num_users()));
  for (size_t i = 0; i < users.size(); ++i) users[i] = static_cast<int32_t>(users.size() - 1 - i);
  return recommender::UsersWithValue(dataset, users, recommender::FindPredictedField(dataset, "city"));
}

// One user at a time, from all clicks: what PredictProfiles answers.
recommender::ProfilePredictions OneByOne(recommender::Recommender& recommender,
                                         const data::Dataset& dataset) {
  const c10::NoGradGuard no_gradients;
  recommender::ProfilePredictions expected{.users = AllUsersWithCity(dataset)};
  for (const int32_t user : expected.users) {
    const auto clicks = static_cast<int32_t>(dataset.history(user).size());
    const at::Tensor vector =
        recommender.UserVectors(dataset, std::vector<recommender::ClickSequence>{{user, 0, clicks}});
    const at::Tensor answer = recommender.classifier()->LogProbabilities(vector)[0];
    expected.labels.push_back(dataset.profile(user)[1] - 1);
    expected.predicted.push_back(answer.argmax().item<int64_t>());
    expected.mean_log_probability += answer[expected.labels.back()].item<double>();
  }
  expected.mean_log_probability /= static_cast<double>(expected.users.size());
  return expected;
}

TEST(PredictProfiles, IsTheSameForAllWorldSizesAndBatches) {
  const data::Dataset dataset = TargetDomain();
  const recommender::PredictedField field = recommender::FindPredictedField(dataset, "city");
  for (const auto attention : {model::AttentionSpan::kCausal, model::AttentionSpan::kBidirectional}) {
    const recommender::ProfilePredictions expected = OnRanks<recommender::ProfilePredictions>(
        1, [&](dist::Communicator& one) { return OneByOne(*ProfilePredictor(one, attention), dataset); })[0];
    EXPECT_GT(std::set(expected.predicted.begin(), expected.predicted.end()).size(), 1u);
    for (const int world_size : {1, 2, 3, 4}) {
      for (const int64_t batch_users : {1, 5, 512}) {  // 1: many rounds, the last with ranks that have none
        const auto answers =
            OnRanks<recommender::ProfilePredictions>(world_size, [&](dist::Communicator& ranks) {
              return recommender::PredictProfiles(*ProfilePredictor(ranks, attention), dataset,
                                                  AllUsersWithCity(dataset), field, batch_users);
            });
        for (const recommender::ProfilePredictions& answer : answers) {
          EXPECT_EQ(answer.users, expected.users);
          EXPECT_EQ(answer.labels, expected.labels);
          EXPECT_EQ(answer.predicted, expected.predicted) << "W = " << world_size;
          EXPECT_NEAR(answer.mean_log_probability, expected.mean_log_probability, kRounding);
          EXPECT_EQ(answer.mean_log_probability, answers[0].mean_log_probability) << "on every rank";
        }
      }
    }
  }
}

TEST(PredictProfiles, OfNobodyAreNone) {
  const data::Dataset dataset = TargetDomain();
  test::RunRanks(2, [&](dist::Communicator& ranks) {
    const recommender::ProfilePredictions none =
        recommender::PredictProfiles(*ProfilePredictor(ranks, model::AttentionSpan::kCausal), dataset, {},
                                     recommender::FindPredictedField(dataset, "city"));
    EXPECT_TRUE(none.users.empty() && none.labels.empty() && none.predicted.empty());
    EXPECT_EQ(none.mean_log_probability, 0);
  });
}

TEST(SourceUserVectors, AreThoseOfTheSourceModelAndZerosForOthers) {
  const data::Dataset source = SourceDomain(), target = TargetDomain();
  const auto vectors_of = [&](dist::Communicator& ranks, bool one_by_one) {
    recommender::Recommender model(ranks, SmallEncoder(0), std::nullopt, {}, source.num_items(), kSeed);
    if (!one_by_one) return recommender::SourceUserVectors(model, source, target);
    std::vector<at::Tensor> rows;
    for (int32_t user = 0; user < source.num_users(); ++user) {  // users u0 .. u43 of both
      const auto clicks = static_cast<int32_t>(source.history(user).size());
      rows.push_back(model.UserVectors(source, std::vector<recommender::ClickSequence>{{user, 0, clicks}}));
    }
    rows.push_back(at::zeros({target.num_users() - source.num_users(), kWidth}));
    return at::cat(rows);
  };
  const at::Tensor expected =
      OnRanks<at::Tensor>(1, [&](dist::Communicator& one) { return vectors_of(one, true); })[0];
  EXPECT_GT(expected.narrow(0, 0, 44).abs().amax(1).min().item<double>(), 0.1);
  for (const int world_size : {1, 2, 3, 4}) {
    const auto answers =
        OnRanks<at::Tensor>(world_size, [&](dist::Communicator& ranks) { return vectors_of(ranks, false); });
    for (const at::Tensor& answer : answers) {
      ASSERT_EQ(answer.sizes(), expected.sizes());
      EXPECT_LT((answer - expected).abs().max().item<double>(), kRounding) << "W = " << world_size;
      EXPECT_EQ(answer.narrow(0, 44, 16).abs().sum().item<double>(), 0);
      EXPECT_TRUE(at::equal(answer, answers[0])) << "the same bits on every rank";
    }
  }
}

// Greater and equal of each case, as numbers to compare.
std::vector<std::array<int64_t, 3>> NumbersOf(const evaluation::CaseResults& results) {
  std::vector<std::array<int64_t, 3>> numbers;
  for (const evaluation::RankCounts& counts : results.candidates)
    numbers.push_back({counts.greater, counts.equal, counts.others});
  return numbers;
}

std::vector<int64_t> ColdTestCases(const data::Dataset& dataset) {
  return evaluation::SelectCases(dataset, data::CasePart::kColdTest, evaluation::EvaluationTask::kJoint);
}

// A score of few values, so that ties are frequent; exact in float.
float ScoreOf(int64_t case_index, int64_t item) {
  return static_cast<float>((case_index * 31 + item * 7) % 5);
}

TEST(EvaluateScoredCases, EveryCaseOnceWithItsTargetBeforeItsCandidates) {
  const data::Dataset dataset = TargetDomain();
  const std::vector<int64_t> cases = ColdTestCases(dataset);
  std::vector<std::array<int64_t, 3>> expected;
  for (const int64_t index : cases) {
    const auto at = static_cast<size_t>(index);
    const int64_t target =
        dataset.history(dataset.cases.user[at])[static_cast<size_t>(dataset.cases.position[at])];
    std::array<int64_t, 3> counts{};
    for (const int32_t item : dataset.cases.candidates_of(index)) {
      counts[0] += ScoreOf(index, item) > ScoreOf(index, target);
      counts[1] += ScoreOf(index, item) == ScoreOf(index, target);
      counts[2] += 1;
    }
    expected.push_back(counts);
  }
  for (const int world_size : {1, 2, 3, 4}) {
    for (const int64_t batch_cases : {1, 7, 64}) {
      std::vector<std::atomic<int>> asked(static_cast<size_t>(dataset.cases.size()));
      const auto answers = OnRanks<evaluation::CaseResults>(world_size, [&](dist::Communicator& ranks) {
        const evaluation::CandidateScores scores = [&](std::span<const int64_t> mine,
                                                       const std::vector<int64_t>& items) {
          ranks.Barrier();  // a scorer fetches rows here: every rank must come along
          at::Tensor table = at::empty({static_cast<int64_t>(mine.size()), 1 + dataset.cases.num_candidates});
          float* const value = table.mutable_data_ptr<float>();
          const size_t each = 1 + static_cast<size_t>(dataset.cases.num_candidates);
          EXPECT_EQ(items.size(), mine.size() * each);
          for (size_t i = 0; i < items.size(); ++i) value[i] = ScoreOf(mine[i / each], items[i]);
          for (const int64_t index : mine) ++asked[static_cast<size_t>(index)];
          return table;
        };
        return evaluation::EvaluateScoredCases(ranks, dataset, cases, scores, batch_cases);
      });
      for (const evaluation::CaseResults& answer : answers) {
        EXPECT_EQ(answer.cases, cases);
        EXPECT_EQ(NumbersOf(answer), expected) << "W = " << world_size;
        EXPECT_TRUE(answer.catalogue.empty());
      }
      for (int64_t index = 0; index < dataset.cases.size(); ++index) {
        const bool once = std::binary_search(cases.begin(), cases.end(), index);
        EXPECT_EQ(asked[static_cast<size_t>(index)], once ? 1 : 0);
      }
    }
  }
}

// The ranks that `make_scorer` gives are the same for all W and batches, and not those of one score for all.
void ExpectSameRanks(const data::Dataset& dataset,
                     const std::function<std::unique_ptr<PairScorer>(dist::Communicator&)>& make_scorer) {
  const std::vector<int64_t> cases = ColdTestCases(dataset);
  const auto ranked = [&](int world_size, int64_t batch_cases) {
    const auto answers = OnRanks<evaluation::CaseResults>(world_size, [&](dist::Communicator& ranks) {
      const std::unique_ptr<PairScorer> scorer = make_scorer(ranks);
      return evaluation::EvaluateScoredCases(ranks, dataset, cases, ScoresOf(*scorer), batch_cases);
    });
    return NumbersOf(answers.back());
  };
  const auto one_by_one = ranked(1, 1);
  std::set<int64_t> places;
  for (const auto& counts : one_by_one) places.insert(counts[0]);
  EXPECT_GT(places.size(), 5u);
  for (const int world_size : {1, 2, 3, 4}) EXPECT_EQ(ranked(world_size, 7), one_by_one) << world_size;
}

// The scores that a case's items get from a model that sees `shown`.
using ScoreCase =
    std::function<at::Tensor(const data::Dataset& shown, int64_t index, const std::vector<int64_t>& items)>;

// Of the user's clicks those at the places [position - newest, position) decide the scores, and no others:
// neither older ones, nor the target and what came after it.
void ExpectReadsTheNewestClicks(int32_t newest, const ScoreCase& score) {
  const data::Dataset dataset = TargetDomain();
  int cases = 0;
  for (const int64_t index : ColdTestCases(dataset)) {
    const auto at = static_cast<size_t>(index);
    const int32_t user = dataset.cases.user[at], position = dataset.cases.position[at];
    const auto history = dataset.history(user);
    if (position < newest + 1 || cases == 4) continue;
    ++cases;
    std::vector<int64_t> items = {history[static_cast<size_t>(position)]};
    for (const int32_t item : dataset.cases.candidates_of(index)) items.push_back(item);
    const at::Tensor expected = score(dataset, index, items);
    for (size_t place = 0; place < history.size(); ++place) {
      data::Dataset changed = dataset;
      int32_t& item = changed.items[static_cast<size_t>(dataset.offsets[static_cast<size_t>(user)]) + place];
      item = 1 + item % static_cast<int32_t>(dataset.num_items());
      const auto distance = position - static_cast<int32_t>(place);
      const bool is_read = distance >= 1 && distance <= newest;
      EXPECT_EQ(at::equal(score(changed, index, items), expected), !is_read)
          << "place " << place << " of a case at " << position;
    }
  }
  EXPECT_EQ(cases, 4);
}

TEST(EvaluateScoredCases, OfMeluReadTheNewestClicksBeforeTheTarget) {
  const auto one = dist::MakeSingleRankCommunicator();
  ExpectReadsTheNewestClicks(3, [&](const data::Dataset& shown, int64_t index, const auto& items) {
    const data::NegativeSampler negatives(shown, kSeed);
    MeluRecommender melu(*one, shown, recommender::MakeProfileInput(shown, {}), negatives,
                         {.support_clicks = 3}, model::NextItemLoss::kBpr, kWidth, 0.5, kSeed);
    return melu.Score(std::span(&index, 1), items);
  });
}

TEST(EvaluateScoredCases, OfMinetReadTheNewestClicksBeforeTheTarget) {
  const auto one = dist::MakeSingleRankCommunicator();
  const data::Dataset source = SourceDomain();
  ExpectReadsTheNewestClicks(3, [&](const data::Dataset& shown, int64_t index, const auto& items) {
    MinetRecommender minet(*one, shown, source, recommender::MakeProfileInput(shown, {}),
                           {.target_clicks = 3}, kWidth, 0.5, kSeed);
    return minet.Score(std::span(&index, 1), items);
  });
}

TEST(EvaluateScoredCases, OfMeluAreTheSameForAllWorldSizes) {
  const data::Dataset dataset = TargetDomain();
  const data::NegativeSampler negatives(dataset, kSeed);
  ExpectSameRanks(dataset, [&](dist::Communicator& ranks) {
    return std::make_unique<MeluRecommender>(ranks, dataset, recommender::MakeProfileInput(dataset, {}),
                                             negatives, MeluSettings{}, model::NextItemLoss::kBpr, kWidth,
                                             0.5, kSeed);
  });
}

TEST(EvaluateScoredCases, OfMinetAreTheSameForAllWorldSizes) {
  const data::Dataset dataset = TargetDomain(), source = SourceDomain();
  ExpectSameRanks(dataset, [&](dist::Communicator& ranks) {
    return std::make_unique<MinetRecommender>(ranks, dataset, source,
                                              recommender::MakeProfileInput(dataset, {}), MinetSettings{},
                                              kWidth, 0.5, kSeed);
  });
}

}  // namespace
}  // namespace ppr::train
