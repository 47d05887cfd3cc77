// The item table around a step of 5,000 targets: which distinct rows it needs, the sums of their gradients,
// and exact Adam on them, for tables in cache and in memory. Times are of a whole step; bytes are the least
// that must move.
//
//     micro_benchmarks --benchmark_filter='DistinctIds|RowAdam'        argument: rows of the table
#include <ATen/ATen.h>
#include <benchmark/benchmark.h>

#include "bench/bounds.h"
#include "bench/operands.h"
#include "dist/sorted_distinct.h"
#include "model/fused/kernels.h"
#include "model/gather_rows.h"
#include "optim/adam.h"

namespace ppr::bench {
namespace {

constexpr int64_t kIds = 15'000;  // tokens, positives and negatives of 5,000 targets
constexpr int64_t kWidth = 64;
constexpr int64_t kRowBytes = kWidth * sizeof(float);
constexpr int64_t kSteps = 64;  // different batches, so that rows come back as they do in training

void DistinctIds(benchmark::State& state) {
  const std::vector<int64_t> ids = RandomIds(kIds, state.range(0), 1);
  Roofline roofline(state, Bound::kCache);
  for (auto _ : state) benchmark::DoNotOptimize(dist::FindSortedDistinct(ids.data(), kIds, state.range(0)));
  // Ids in; a place for each, and the distinct ones, out.
  roofline.Report(3.0 * kIds * sizeof(int64_t));
}
BENCHMARK(DistinctIds)->ArgName("rows")->Arg(10'000)->Arg(1'000'000);

// What a step needs of its batch before the rows' turn: the distinct rows, and which gradients each one sums.
struct BatchOfRows {
  explicit BatchOfRows(const std::vector<int64_t>& ids, int64_t rows)
      : distinct(dist::FindSortedDistinct(ids.data(), kIds, rows)),
        slots(at::tensor(distinct.values, at::kLong)),
        occurrences(distinct.index.data(), kIds, static_cast<int64_t>(distinct.values.size())) {}

  dist::SortedDistinct distinct;
  at::Tensor slots;
  model::InvertedIndex occurrences;
};

// Sums each row's gradients and makes the Adam step where the sum is formed, after the skipped steps.
void RowAdamStep(benchmark::State& state) {
  const int64_t rows = state.range(0);
  const model::fused::Kernels& kernels = *model::fused::BestKernels();
  const at::Tensor table = at::zeros({rows, kWidth});
  optim::RowAdam adam({}, {}, rows, kWidth);
  const std::vector<float> parts = RandomFloats(kIds * kWidth, 2), factors = RandomFloats(kIds, 3);
  std::vector<const float*> part_of(kIds);
  std::vector<BatchOfRows> batches;
  for (int64_t i = 0; i < kSteps; ++i)
    batches.emplace_back(RandomIds(kIds, rows, static_cast<uint64_t>(i) + 10), rows);

  int64_t step = 0, touched = 0;
  const Bound bound = rows * 3 * kRowBytes > (int64_t{64} << 20) ? Bound::kMemory : Bound::kCache;
  Roofline roofline(state, bound);
  for (auto _ : state) {
    const BatchOfRows& batch = batches[static_cast<size_t>(step % kSteps)];
    const model::InvertedIndex& occurrences = batch.occurrences;
    for (size_t i = 0; i < part_of.size(); ++i) part_of[i] = parts.data() + occurrences.places[i] * kWidth;
    const auto sum = [&](int64_t row, float* gradient) {
      const int64_t first = occurrences.starts[static_cast<size_t>(row)];
      const int64_t last = occurrences.starts[static_cast<size_t>(row) + 1];
      kernels.weighted_sum(part_of.data() + first, factors.data() + first, last - first, kWidth, gradient);
    };
    adam.CatchUp(table, batch.slots, step);
    adam.Update(table, batch.slots, optim::RowGradient(sum), ++step);
    touched += batch.slots.numel();
  }
  // A row, m and v in and out; each gradient in once.
  const double rows_touched = static_cast<double>(touched) / static_cast<double>(state.iterations());
  const double seconds =
      roofline.Report(rows_touched * 6 * kRowBytes + static_cast<double>(kIds * kRowBytes));
  state.counters["ns_per_row"] = 1e9 * seconds / static_cast<double>(touched);
}
BENCHMARK(RowAdamStep)->ArgName("rows")->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ppr::bench
