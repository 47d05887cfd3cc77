// What is no product: layer norm, dropout masks and the embedding of a chunk of 48 tokens of width 64. Layer
// norm and embedding are held against the bytes that they must move, masks against the operations of their
// hash.
//
//     micro_benchmarks --benchmark_filter='LayerNorm|DropoutMasks|Embedding'
#include <benchmark/benchmark.h>

#include <algorithm>

#include "bench/bounds.h"
#include "bench/fused_parts.h"
#include "bench/operands.h"
#include "model/dropout_bits.h"
#include "model/fused/kernels.h"

namespace ppr::bench {
namespace {

constexpr int64_t kTokens = 48, kWidth = 64;
constexpr double kMatrixBytes = kTokens * kWidth * sizeof(float);

// A layer norm of the chunk and everything around it.
struct NormOfChunk {
  std::vector<float> x = RandomFloats(kTokens * kWidth, 1), gain = RandomFloats(kWidth, 2);
  std::vector<float> dy = RandomFloats(kTokens * kWidth, 3);
  std::vector<float> to = std::vector<float>(x.size()), gain_gradient = std::vector<float>(gain.size()),
                     bias_gradient = std::vector<float>(gain.size());
  std::vector<model::fused::RowMoments> moments = std::vector<model::fused::RowMoments>(kTokens);
  model::fused::NormParameters parameters{.gain = gain.data(),
                                          .bias = gain.data(),
                                          .epsilon = 1e-8F,
                                          .width = kWidth,
                                          .gain_gradient = gain_gradient.data(),
                                          .bias_gradient = bias_gradient.data()};

  void Forward() {
    BestFusedParts().normalise_rows(parameters, x.data(), kTokens, to.data(), moments.data());
  }
  void Backward() {
    BestFusedParts().normalise_rows_backward(parameters, x.data(), moments.data(), dy.data(), kTokens,
                                             nullptr, to.data());
  }
};

void LayerNormForward(benchmark::State& state) {
  NormOfChunk norm;
  Roofline roofline(state, Bound::kCache);
  for (auto _ : state) {
    norm.Forward();
    benchmark::ClobberMemory();
  }
  roofline.Report(2 * kMatrixBytes);
}
BENCHMARK(LayerNormForward);

void LayerNormBackward(benchmark::State& state) {
  NormOfChunk norm;
  norm.Forward();
  Roofline roofline(state, Bound::kCache);
  for (auto _ : state) {
    norm.Backward();
    benchmark::ClobberMemory();
  }
  roofline.Report(3 * kMatrixBytes);  // x and dy in, dx out
}
BENCHMARK(LayerNormBackward);

void DropoutMasks(benchmark::State& state) {
  const std::vector<int64_t> keys = RandomIds(kTokens, int64_t{1} << 62, 1);
  std::vector<uint8_t> masks(kTokens * kWidth / 8 + 16);
  Roofline roofline(state, Bound::kLanes);
  for (auto _ : state) {
    BestFusedParts().dropout_masks(keys.data(), kTokens, kWidth, model::DropoutThreshold(0.2), masks.data());
    benchmark::ClobberMemory();
  }
  // The three multiplications of its hash: the other operations find more places in the core.
  roofline.Report(3.0 * kTokens * kWidth);
}
BENCHMARK(DropoutMasks);

// The fused encoder without blocks: rows gathered from a table, positions added, dropout, one copy out; and
// the way back.
class Embedding {
 public:
  explicit Embedding(int64_t table_rows)
      : table_(RandomFloats(table_rows * kWidth, 1)),
        values_(RandomFloats(kTokens * kWidth, 2)),
        gradients_(values_.size()),
        output_(values_.size()),
        keys_(RandomIds(kTokens, int64_t{1} << 62, 3)),
        sequences_{0, kTokens} {
    for (int64_t t = 0; t < kTokens; ++t) positions_.push_back(t);
    // Enough batches that a large table does not stay in cache.
    for (const int64_t row : RandomIds(kBatches * kTokens, table_rows, 4))
      inputs_.push_back(table_.data() + row * kWidth);
    const uint32_t threshold = model::DropoutThreshold(0.2);
    task_.shape = {.blocks = 0,
                   .heads = 1,
                   .width = kWidth,
                   .ffn_width = kWidth,
                   .embedding_scale = 1.0F,
                   .epsilon = 1e-8F,
                   .dropout_threshold = threshold,
                   .dropout_scale = static_cast<float>(model::DropoutScale(threshold))};
    task_.offsets.positions = 0;
    task_.values = values_.data();
    task_.sequences = sequences_;
    task_.positions = positions_.data();
    task_.token_keys = keys_.data();
    const model::fused::ChunkMemory memory = kernels_.encoder_memory(task_.shape, sequences_, kChunk);
    saved_.resize(static_cast<size_t>(memory.saved));
    scratch_.resize(static_cast<size_t>(memory.scratch));
  }

  void Forward() {
    task_.inputs = inputs_.data() + next_ * kTokens;
    next_ = (next_ + 1) % kBatches;
    kernels_.forward(task_, kChunk, saved_.data(), scratch_.data(), output_.data());
  }
  void Backward() {
    kernels_.backward(task_, kChunk, saved_.data(), scratch_.data(), output_.data(), gradients_.data(),
                      d_inputs_.data());
  }

 private:
  static constexpr int64_t kBatches = 4096;
  static constexpr model::fused::Chunk kChunk{0, 1};

  const model::fused::Kernels& kernels_ = *model::fused::BestKernels();
  std::vector<float> table_, values_, gradients_, output_, saved_, scratch_;
  std::vector<float> d_inputs_ = std::vector<float>(kTokens * kWidth + 16);
  std::vector<int64_t> positions_, keys_;
  int64_t sequences_[2];
  std::vector<const float*> inputs_;
  model::fused::EncoderTask task_{};
  int64_t next_ = 0;
};

void EmbeddingForward(benchmark::State& state) {
  Embedding embedding(state.range(0));
  const bool in_cache = state.range(0) <= 4000;
  Roofline roofline(state, in_cache ? Bound::kCache : Bound::kMemory);
  for (auto _ : state) {
    embedding.Forward();
    benchmark::ClobberMemory();
  }
  // Rows and positions in, hidden out; the copy out reads and writes once more.
  roofline.Report((in_cache ? 5 : 1) * kMatrixBytes);
}
BENCHMARK(EmbeddingForward)->ArgName("rows")->Arg(1000)->Arg(1'000'000);

void EmbeddingBackward(benchmark::State& state) {
  Embedding embedding(1000);
  embedding.Forward();
  Roofline roofline(state, Bound::kCache);
  for (auto _ : state) {
    embedding.Backward();
    benchmark::ClobberMemory();
  }
  // The gradient in, without the dropped ones out and in, the positions' read and written, the rows' out.
  roofline.Report(6 * kMatrixBytes);
}
BENCHMARK(EmbeddingBackward);

}  // namespace
}  // namespace ppr::bench
