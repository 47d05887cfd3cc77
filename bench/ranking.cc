// Counting scores of the full catalogue for a tile of users. Products are rounded before they are added
// (score_counting.h says why), so that the bound is one multiplication and one addition a column, not one
// fused operation.
//
//     micro_benchmarks --benchmark_filter=CountScores        argument: items
#include <benchmark/benchmark.h>

#include "bench/bounds.h"
#include "bench/operands.h"
#include "evaluation/score_counting.h"

namespace ppr::bench {
namespace {

constexpr int64_t kUsers = 512, kWidth = 64;

void CountScores(benchmark::State& state) {
  const int64_t items = state.range(0);
  const std::vector<float> users = RandomFloats(kUsers * kWidth, 1), rows = RandomFloats(items * kWidth, 2);
  const evaluation::QueryGroups groups(users.data(), kUsers, kWidth);
  const std::vector<float> thresholds(kUsers, 1.0F);
  std::vector<evaluation::ScoreCounts> counts(kUsers);
  Roofline roofline(state, Bound::kLanes);
  for (auto _ : state) evaluation::CountScores(groups, rows.data(), items, thresholds, counts);
  const double seconds = roofline.Report(2.0 * kUsers * static_cast<double>(items) * kWidth);
  state.counters["users/s"] = static_cast<double>(kUsers * state.iterations()) / seconds;
}
BENCHMARK(CountScores)
    ->ArgName("items")
    ->Arg(3'500)
    ->Arg(12'101)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ppr::bench
