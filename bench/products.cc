// The matrix product of the fused kernels in the shapes of the encoder: width 64, chunks of 48 tokens, a
// sequence of 50 for attention. Held against the same product in its best shape.
//
//     micro_benchmarks --benchmark_filter=Product
#include <benchmark/benchmark.h>

#include "bench/bounds.h"
#include "bench/operands.h"
#include "model/fused/gemm.h"
#include "model/fused/kernels.h"

namespace ppr::bench {
namespace {

using model::fused::ColumnsOf;
using model::fused::Product;
using model::fused::RowsOf;

enum class Left { kRows, kColumns };  // A as it lies in memory, or its transpose

// C [rows, columns] = A [rows, depth] B [depth, columns].
void Multiply(benchmark::State& state, int64_t rows, int64_t depth, int64_t columns, Left left) {
  const std::vector<float> a = RandomFloats(rows * depth, 1), b = RandomFloats(depth * columns, 2);
  std::vector<float> c = RandomFloats(rows * columns, 3);
  const Product product{.rows = rows,
                        .columns = columns,
                        .depth = depth,
                        .a = left == Left::kRows ? RowsOf(a.data(), depth) : ColumnsOf(a.data(), rows),
                        .b = b.data(),
                        .b_step = columns,
                        .c = c.data(),
                        .c_step = columns};
  const model::fused::Kernels& kernels = *model::fused::BestKernels();
  Roofline roofline(state, Bound::kProducts);
  for (auto _ : state) {
    kernels.multiply(product);
    benchmark::ClobberMemory();
  }
  roofline.Report(static_cast<double>(2 * rows * depth * columns));
}

#define PPR_PRODUCT(name, rows, depth, columns, left)                                          \
  void Product##name(benchmark::State& state) { Multiply(state, rows, depth, columns, left); } \
  BENCHMARK(Product##name)

PPR_PRODUCT(Probe, 96, 64, 64, Left::kRows);
PPR_PRODUCT(XW, 48, 64, 64, Left::kRows);          // tokens by weight
PPR_PRODUCT(XWQkv, 48, 64, 192, Left::kRows);      // queries, keys and values
PPR_PRODUCT(XWWideFfn, 48, 64, 256, Left::kRows);  // feed-forward of 4 d
PPR_PRODUCT(DyWt, 48, 192, 64, Left::kRows);       // gradient of the input of QKV
PPR_PRODUCT(XtDy, 64, 48, 64, Left::kColumns);     // gradient of a weight
PPR_PRODUCT(XtDyQkv, 64, 48, 192, Left::kColumns);
PPR_PRODUCT(QK, 6, 64, 50, Left::kRows);       // scores of six queries
PPR_PRODUCT(PV, 6, 50, 64, Left::kRows);       // their weighted values
PPR_PRODUCT(DsTQ, 6, 50, 64, Left::kColumns);  // gradient of six keys

#undef PPR_PRODUCT

}  // namespace
}  // namespace ppr::bench
