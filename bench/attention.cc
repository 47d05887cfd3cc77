// Causal attention of one sequence by its length, forward and backward, with and without dropout. Scores
// above the diagonal do not count as work, though tiles compute some of them; softmax and dropout are the
// rest of the distance to the bound.
//
//     micro_benchmarks --benchmark_filter=Attention        arguments: tokens, heads (one is timed), dropout
#include <benchmark/benchmark.h>

#include "bench/bounds.h"
#include "bench/fused_parts.h"
#include "bench/operands.h"
#include "model/dropout_bits.h"

namespace ppr::bench {
namespace {

constexpr int64_t kWidth = 64;

// One of the heads of a sequence of n tokens, with memory for everything around it.
class HeadOfOneSequence {
 public:
  HeadOfOneSequence(int64_t n, int64_t heads, bool drops)
      : n_(n),
        step_((n + 15) / 16 * 16),
        head_width_(kWidth / heads),
        qkv_(RandomFloats(n * 3 * kWidth, 1)),
        d_output_(RandomFloats(n * kWidth, 2)),
        weights_(static_cast<size_t>(n * step_ + 16)),
        output_(static_cast<size_t>(n * kWidth + 16)),
        d_qkv_(static_cast<size_t>(n * 3 * kWidth + 16)),
        transposed_(static_cast<size_t>(kWidth * step_ + 16)),
        scores_(static_cast<size_t>((n + 6) * step_ + 16)),
        keys_(RandomIds(n, int64_t{1} << 62, 3)) {
    const uint32_t threshold = model::DropoutThreshold(0.2);
    head_ = {.n = n,
             .head_width = head_width_,
             .q = qkv_.data(),
             .k = qkv_.data() + kWidth,
             .v = qkv_.data() + 2 * kWidth,
             .qkv_step = 3 * kWidth,
             .weights = weights_.data(),
             .token_keys = drops ? keys_.data() : nullptr,
             .site = 1,
             .first_lane = 0,
             .threshold = threshold,
             .dropout_scale = static_cast<float>(model::DropoutScale(threshold))};
  }

  void Forward() {
    BestFusedParts().attention_forward(head_, transposed_.data(), scores_.data(), output_.data(), kWidth);
  }
  // Uses up the weights: they are put back first, as one copy.
  void Backward(const std::vector<float>& weights) {
    weights_ = weights;
    BestFusedParts().attention_backward(head_,
                                        {.output = output_.data(),
                                         .d_output = d_output_.data(),
                                         .output_step = kWidth,
                                         .d_q = d_qkv_.data(),
                                         .d_k = d_qkv_.data() + kWidth,
                                         .d_v = d_qkv_.data() + 2 * kWidth},
                                        transposed_.data(), scores_.data());
  }
  const std::vector<float>& weights() const { return weights_; }
  // FLOPs of the two products of the forward pass on and below the diagonal; the backward pass has four.
  double ForwardFlops() const { return static_cast<double>(2 * head_width_ * n_ * (n_ + 1)); }

 private:
  int64_t n_, step_, head_width_;
  std::vector<float> qkv_, d_output_, weights_, output_, d_qkv_, transposed_, scores_;
  std::vector<int64_t> keys_;
  model::fused::AttentionHead head_{};
};

void AttentionForward(benchmark::State& state) {
  HeadOfOneSequence head(state.range(0), state.range(1), state.range(2) != 0);
  Roofline roofline(state, Bound::kProducts);
  for (auto _ : state) {
    head.Forward();
    benchmark::ClobberMemory();
  }
  roofline.Report(head.ForwardFlops());
}

void AttentionBackward(benchmark::State& state) {
  HeadOfOneSequence head(state.range(0), state.range(1), state.range(2) != 0);
  head.Forward();
  const std::vector<float> weights = head.weights();
  Roofline roofline(state, Bound::kProducts);
  for (auto _ : state) {
    head.Backward(weights);
    benchmark::ClobberMemory();
  }
  roofline.Report(2 * head.ForwardFlops());
}

void Lengths(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"tokens", "heads", "dropout"});
  for (const int64_t tokens : {6, 16, 50, 200}) {
    for (const int64_t dropout : {0, 1}) benchmark->Args({tokens, 1, dropout});
  }
  benchmark->Args({50, 4, 1});
}

BENCHMARK(AttentionForward)->Apply(Lengths);
BENCHMARK(AttentionBackward)->Apply(Lengths);

}  // namespace
}  // namespace ppr::bench
