// The next-item loss of a chunk of 48 targets of width 64, scores to gradients: one own negative, or K shared
// by all. One own negative moves bytes; shared ones are products.
//
//     micro_benchmarks --benchmark_filter=Loss            argument: K
#include <benchmark/benchmark.h>

#include "bench/bounds.h"
#include "bench/operands.h"
#include "model/fused/kernels.h"

namespace ppr::bench {
namespace {

constexpr int64_t kTargets = 48, kWidth = 64;
constexpr int64_t kItems = 2000;  // half a megabyte of rows: in the second-level cache

class ChunkOfTargets {
 public:
  // `shared`: K negatives for all targets; else each its own.
  ChunkOfTargets(int64_t negatives, bool shared)
      : table_(RandomFloats(kItems * kWidth, 1)),
        hidden_(RandomFloats(kTargets * kWidth, 2)),
        d_hidden_(hidden_.size()),
        users_(hidden_.size()),
        coefficients_(static_cast<size_t>(kTargets * (1 + negatives) + 16)),
        shared_(RandomFloats(negatives * kWidth, 3)),
        shared_gradient_(shared_.size()) {
    const int64_t candidates = kTargets * (shared ? 1 : 1 + negatives);
    for (const int64_t item : RandomIds(candidates, kItems, 4))
      candidates_.push_back(table_.data() + item * kWidth);
    for (int64_t t = 0; t < kTargets; ++t) tokens_.push_back(t);
    const int64_t step = (negatives + 15) / 16 * 16;
    task_ = {.loss = model::NextItemLoss::kBce,
             .width = kWidth,
             .negatives = negatives,
             .scale = 1.0F / 4800,
             .targets = offsets_,
             .target_tokens = tokens_.data(),
             .candidates = candidates_.data(),
             .users = users_.data(),
             .coefficients = coefficients_.data()};
    if (shared) {
      transposed_.resize(static_cast<size_t>(kWidth * step + 16));
      for (int64_t k = 0; k < negatives; ++k) {
        for (int64_t c = 0; c < kWidth; ++c)
          transposed_[static_cast<size_t>(c * step + k)] = shared_[static_cast<size_t>(k * kWidth + c)];
      }
      task_.shared = shared_.data();
      task_.shared_transposed = transposed_.data();
      task_.shared_step = step;
      task_.excluded = none_excluded_;
      sums_.shared_gradient = shared_gradient_.data();
    }
    scratch_.resize(static_cast<size_t>(kernels_.next_item_scratch(task_, kTargets)));
  }

  void Run() {
    kernels_.next_item(task_, {0, 1}, scratch_.data(), hidden_.data(), 0, kTargets, d_hidden_.data(), &sums_);
  }

 private:
  const model::fused::Kernels& kernels_ = *model::fused::BestKernels();
  std::vector<float> table_, hidden_, d_hidden_, users_, coefficients_, shared_, shared_gradient_,
      transposed_, scratch_;
  std::vector<const float*> candidates_;
  std::vector<int64_t> tokens_;
  const int64_t offsets_[2] = {0, kTargets}, none_excluded_[2] = {0, 0};
  model::fused::NextItemTask task_{};
  model::fused::NextItemSums sums_{};
};

void LossOwnNegative(benchmark::State& state) {
  ChunkOfTargets chunk(1, /*shared=*/false);
  Roofline roofline(state, Bound::kCache);
  for (auto _ : state) {
    chunk.Run();
    benchmark::ClobberMemory();
  }
  // Hidden and two rows in, user and gradient out.
  roofline.Report(5.0 * kTargets * kWidth * sizeof(float));
}
BENCHMARK(LossOwnNegative);

void LossSharedNegatives(benchmark::State& state) {
  const int64_t negatives = state.range(0);
  ChunkOfTargets chunk(negatives, /*shared=*/true);
  Roofline roofline(state, Bound::kProducts);
  for (auto _ : state) {
    chunk.Run();
    benchmark::ClobberMemory();
  }
  // Scores, the users' gradient and the negatives' gradient.
  roofline.Report(3.0 * 2 * kTargets * static_cast<double>(1 + negatives) * kWidth);
}
BENCHMARK(LossSharedNegatives)->ArgName("K")->Arg(16)->Arg(128)->Arg(512);

}  // namespace
}  // namespace ppr::bench
