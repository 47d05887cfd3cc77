#include "evaluation/score_counting.h"

#include <algorithm>

#include "base/errors.h"
#include "base/multi_target.h"

namespace ppr::evaluation {

namespace {

using Column = QueryGroups::Column;
constexpr int64_t kLanes = QueryGroups::kLanes;
constexpr int kHalf = kLanes / 2;

// Half a group of queries; the compiler maps it to one 256-bit or two 128-bit registers.
typedef float Floats __attribute__((vector_size(kHalf * sizeof(float))));
typedef float FloatsInMemory __attribute__((vector_size(kHalf * sizeof(float)), may_alias));
typedef int32_t Masks
    __attribute__((vector_size(kHalf * sizeof(float))));  // -1 where a comparison holds, else 0

struct LaneCounts {
  Masks greater[2] = {}, equal[2] = {}, comparable[2] = {};  // minus the counts
};

// Scores kRows rows for one group of queries and counts them. The sums stay in registers: no score is ever
// stored.
template <int kRows>
[[gnu::always_inline]] inline void CountRows(const Column* columns, const float* rows, int64_t width,
                                             const Floats threshold[2], LaneCounts& counts) {
  Floats sum[kRows][2] = {};
  for (int64_t k = 0; k < width; ++k) {
    const auto* halves = reinterpret_cast<const FloatsInMemory*>(columns[k].lane.data());
    const Floats low = halves[0], high = halves[1];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const float value = rows[r * width + k];
      sum[r][0] += low * value;
      sum[r][1] += high * value;
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
    for (int half = 0; half < 2; ++half) {
      counts.greater[half] += sum[r][half] > threshold[half];
      counts.equal[half] += sum[r][half] == threshold[half];
      counts.comparable[half] += sum[r][half] == sum[r][half];
    }
  }
}

// One group of queries against a block of rows; num_rows < 2^31.
PPR_MULTI_TARGET void CountBlock(const Column* columns, const float* rows, int64_t num_rows, int64_t width,
                                 const Column& thresholds, ScoreCounts* counts) {
  constexpr int kRowsAtOnce = 4;
  const auto* halves = reinterpret_cast<const FloatsInMemory*>(thresholds.lane.data());
  const Floats threshold[2] = {halves[0], halves[1]};
  LaneCounts lanes;
  int64_t row = 0;
  for (; row + kRowsAtOnce <= num_rows; row += kRowsAtOnce) {
    CountRows<kRowsAtOnce>(columns, rows + row * width, width, threshold, lanes);
  }
  for (; row < num_rows; ++row) CountRows<1>(columns, rows + row * width, width, threshold, lanes);
  for (int lane = 0; lane < kLanes; ++lane) {
    const int half = lane / kHalf, place = lane % kHalf;
    counts[lane].greater -= lanes.greater[half][place];
    counts[lane].equal -= lanes.equal[half][place];
    counts[lane].not_a_number += num_rows + lanes.comparable[half][place];
  }
}

}  // namespace

void ScoreRows(const float* query, const float* rows, std::span<const int64_t> index, int64_t width,
               float* scores) {
  // Four sums at once hide the latency of adding in a fixed order.
  constexpr size_t kAtOnce = 4;
  size_t i = 0;
  for (; i + kAtOnce <= index.size(); i += kAtOnce) {
    const float* row[kAtOnce];
    float sum[kAtOnce] = {};
    for (size_t r = 0; r < kAtOnce; ++r) row[r] = rows + index[i + r] * width;
    for (int64_t k = 0; k < width; ++k) {
      for (size_t r = 0; r < kAtOnce; ++r) sum[r] += query[k] * row[r][k];
    }
    std::copy(sum, sum + kAtOnce, scores + i);
  }
  for (; i < index.size(); ++i) {
    const float* row = rows + index[i] * width;
    float sum = 0;
    for (int64_t k = 0; k < width; ++k) sum += query[k] * row[k];
    scores[i] = sum;
  }
}

QueryGroups::QueryGroups(const float* queries, int64_t count, int64_t width)
    : count_(count), width_(width), columns_(static_cast<size_t>(num_groups() * width)) {
  for (int64_t q = 0; q < count; ++q) {
    Column* columns = columns_.data() + q / kLanes * width;
    for (int64_t k = 0; k < width; ++k)
      columns[k].lane[static_cast<size_t>(q % kLanes)] = queries[q * width + k];
  }
}

void CountScores(const QueryGroups& queries, const float* rows, int64_t num_rows,
                 std::span<const float> thresholds, std::span<ScoreCounts> counts) {
  const size_t count = static_cast<size_t>(queries.count());
  PPR_BUG_IF_NOT(thresholds.size() == count && counts.size() == count,
                 std::to_string(thresholds.size()) + " thresholds for " + std::to_string(count) + " queries");
  // A block of rows stays in the second-level cache while all groups of queries pass over it.
  constexpr int64_t kBlockBytes = 64 << 10;
  const int64_t width = queries.width();
  const int64_t block_rows = std::max<int64_t>(4, kBlockBytes / (4 * std::max<int64_t>(width, 1)) / 4 * 4);
  const QueryGroups grouped_thresholds(thresholds.data(), queries.count(), 1);
  std::vector<ScoreCounts> padded_counts(static_cast<size_t>(queries.num_groups() * kLanes));
  for (int64_t begin = 0; begin < num_rows; begin += block_rows) {
    const int64_t rows_here = std::min(block_rows, num_rows - begin);
    for (int64_t group = 0; group < queries.num_groups(); ++group) {
      CountBlock(queries.group(group), rows + begin * width, rows_here, width,
                 *grouped_thresholds.group(group), padded_counts.data() + group * kLanes);
    }
  }
  for (size_t q = 0; q < count; ++q) {
    counts[q].greater += padded_counts[q].greater;
    counts[q].equal += padded_counts[q].equal;
    counts[q].not_a_number += padded_counts[q].not_a_number;
  }
}

}  // namespace ppr::evaluation
