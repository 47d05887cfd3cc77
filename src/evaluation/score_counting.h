// Scores of items for users, and how many of them are above, at and below a threshold: the arithmetic of
// ranking.
//
// One definition of a score everywhere: the float32 dot product summed over columns in ascending order, every
// product rounded before it is added (no fused multiply-add). A matrix product of a library gives the same
// pair different last bits depending on where it stands in the matrix, so that equal rows would not tie; here
// a score is a function of the two vectors alone, whatever the tile, the thread, the number of ranks or the
// processor. Vectors run over queries, not over columns, so the fixed order costs no speed. Host memory only;
// all functions are thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace ppr::evaluation {

// scores[i] := score of `query` [d] and row index[i] of `rows` [*, d].
void ScoreRows(const float* query, const float* rows, std::span<const int64_t> index, int64_t width,
               float* scores);

// Queries laid out for counting: groups of kLanes queries side by side, each column of a group in one cache
// line.
class QueryGroups {
 public:
  static constexpr int64_t kLanes = 16;
  struct alignas(64) Column {
    std::array<float, kLanes> lane;
  };

  // queries [n, d] row by row, copied.
  QueryGroups(const float* queries, int64_t count, int64_t width);

  int64_t count() const { return count_; }
  int64_t width() const { return width_; }
  int64_t num_groups() const { return (count_ + kLanes - 1) / kLanes; }
  // [d] columns of the queries group * kLanes ...; lanes past count() are 0.
  const Column* group(int64_t group) const { return columns_.data() + group * width_; }

 private:
  int64_t count_;
  int64_t width_;
  std::vector<Column> columns_;
};

struct ScoreCounts {
  int64_t greater = 0;
  int64_t equal = 0;
  int64_t not_a_number = 0;  // scores that compare with nothing
};

// Adds to counts[q] how the scores of query q with the rows [num_rows, d] compare with thresholds[q] (not
// NaN).
void CountScores(const QueryGroups& queries, const float* rows, int64_t num_rows,
                 std::span<const float> thresholds, std::span<ScoreCounts> counts);

}  // namespace ppr::evaluation
