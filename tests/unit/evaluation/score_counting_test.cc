// Scores and counts: exact where values are integers, the same bits on every path, ties of equal rows.
#include "evaluation/score_counting.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "base/random.h"

namespace ppr::evaluation {
namespace {

std::vector<float> NormalValues(int64_t count, uint64_t seed) {
  const RandomKey key = MakeRandomKey(seed, RandomSite::kTest);
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(key.Normal(i));
  return values;
}

std::vector<int64_t> AllRows(int64_t count) {
  std::vector<int64_t> index(static_cast<size_t>(count));
  std::iota(index.begin(), index.end(), 0);
  return index;
}

// Every remainder of the blocking: queries around a group of 16, rows around 4 at once and around a cached
// block.
TEST(CountScores, CountsExactlyTheScoresOfScoreRows) {
  for (const int64_t width : {1, 3, 8, 64, 100}) {
    for (const int64_t num_rows : {0, 1, 3, 4, 5, 257, 1030}) {
      for (const int64_t num_queries : {1, 15, 16, 17, 40}) {
        const std::vector<float> rows = NormalValues(num_rows * width, 1),
                                 queries = NormalValues(num_queries * width, 2);
        const std::vector<int64_t> index = AllRows(num_rows);
        std::vector<float> thresholds(static_cast<size_t>(num_queries));
        std::vector<ScoreCounts> expected(thresholds.size()), found(thresholds.size());
        for (size_t q = 0; q < thresholds.size(); ++q) {
          std::vector<float> scores(index.size());
          ScoreRows(queries.data() + static_cast<int64_t>(q) * width, rows.data(), index, width,
                    scores.data());
          thresholds[q] =
              scores.empty() ? 0 : scores[q % scores.size()];  // ties with itself only if bits agree
          for (const float score : scores) {
            expected[q].greater += score > thresholds[q];
            expected[q].equal += score == thresholds[q];
          }
        }
        CountScores(QueryGroups(queries.data(), num_queries, width), rows.data(), num_rows, thresholds,
                    found);
        for (size_t q = 0; q < thresholds.size(); ++q) {
          EXPECT_EQ(found[q].greater, expected[q].greater) << width << " x " << num_rows << ", query " << q;
          EXPECT_EQ(found[q].equal, expected[q].equal) << width << " x " << num_rows << ", query " << q;
          EXPECT_EQ(found[q].not_a_number, 0);
        }
      }
    }
  }
}

TEST(CountScores, EqualRowsTieWhereverTheyStand) {
  constexpr int64_t kWidth = 50, kRows = 1001;
  std::vector<float> rows = NormalValues(kRows * kWidth, 3);
  for (int64_t row = 0; row < kRows; row += 7) {
    std::copy_n(rows.begin(), kWidth, rows.begin() + row * kWidth);
  }
  const std::vector<float> queries = NormalValues(20 * kWidth, 4);
  std::vector<float> thresholds(20);
  const int64_t first = 0;
  for (int64_t q = 0; q < 20; ++q) {
    ScoreRows(queries.data() + q * kWidth, rows.data(), {&first, 1}, kWidth, thresholds.data() + q);
  }
  std::vector<ScoreCounts> counts(20);
  CountScores(QueryGroups(queries.data(), 20, kWidth), rows.data(), kRows, thresholds, counts);
  for (const ScoreCounts& count : counts)
    EXPECT_EQ(count.equal, kRows / 7);  // rows 0, 7, ..., 994 + 7 = 1001 is out
}

TEST(CountScores, AddsToWhatIsThere) {
  const std::vector<float> rows = {1, 2, 3, 4, 5}, query = {1}, threshold = {3};
  std::vector<ScoreCounts> counts = {{.greater = 10, .equal = 20, .not_a_number = 30}};
  CountScores(QueryGroups(query.data(), 1, 1), rows.data(), 5, threshold, counts);
  EXPECT_EQ(counts[0].greater, 12);
  EXPECT_EQ(counts[0].equal, 21);
  EXPECT_EQ(counts[0].not_a_number, 30);
}

TEST(CountScores, SeesWhatIsNotANumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> rows = {1, 0, nan, 0, infinity, 0, infinity, -infinity, 2, 0}, query = {1, 1};
  const std::vector<float> threshold = {2};
  std::vector<ScoreCounts> counts(1);
  CountScores(QueryGroups(query.data(), 1, 2), rows.data(), 5, threshold, counts);
  EXPECT_EQ(counts[0].greater, 1);  // infinity itself is a score
  EXPECT_EQ(counts[0].equal, 1);
  EXPECT_EQ(counts[0].not_a_number, 2);  // NaN, and infinity - infinity
}

TEST(ScoreRows, SumsInOrderAndRoundsEachProduct) {
  // (1 + e)^2 - 1 - 2 e = e^2 would survive a fused multiply-add; with each product rounded it is lost.
  const float e = 0x1p-13f;
  const std::vector<float> query = {-1.0f - 2 * e, 1.0f + e}, row = {1.0f, 1.0f + e};
  for (const size_t repeats : {1u, 4u, 5u}) {
    std::vector<int64_t> index(repeats, 0);
    std::vector<float> scores(repeats, 9);
    ScoreRows(query.data(), row.data(), index, 2, scores.data());
    for (const float score : scores) EXPECT_EQ(score, 0.0f);
  }
}

}  // namespace
}  // namespace ppr::evaluation
