#include "benchmark/matrix_probe.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <chrono>
#include <cstdint>
#include <numeric>
#include <vector>

#include "benchmark/timed_work.h"
#include "model/fused/gemm.h"

namespace ppr::benchmark {
namespace {

// [96, 64] x [64, 64]: the shape of most products of an encoder of width 64, as the fused kernels see them.
// The operands, 64 KiB, stay in a core's own cache.
constexpr int64_t kRows = 96, kDepth = 64, kColumns = 64;
constexpr int64_t kCallsBetweenClocks = 64;  // about 0.4 ms

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

double KernelRateOfThread(const model::fused::Kernels& kernels, double seconds) {
  const at::Tensor left = at::full({kRows, kDepth}, 0.5F), right = at::full({kDepth, kColumns}, 0.25F);
  const at::Tensor product = at::empty({kRows, kColumns});
  const model::fused::Product task{.rows = kRows,
                                   .columns = kColumns,
                                   .depth = kDepth,
                                   .a = model::fused::RowsOf(left.const_data_ptr<float>(), kDepth),
                                   .b = right.const_data_ptr<float>(),
                                   .b_step = kColumns,
                                   .c = product.mutable_data_ptr<float>(),
                                   .c_step = kColumns};
  int64_t calls = 0;
  const auto start = Clock::now();
  double elapsed = 0;
  do {
    for (int64_t i = 0; i < kCallsBetweenClocks; ++i) kernels.multiply(task);
    calls += kCallsBetweenClocks;
    elapsed = SecondsSince(start);
  } while (elapsed < seconds);
  return static_cast<double>(calls * 2 * kRows * kDepth * kColumns) / elapsed;
}

MatrixProbe::MatrixProbe(dist::Communicator& communicator, double seconds)
    : communicator_(communicator), seconds_(seconds), kernels_(model::fused::BestKernels()) {
  // Large enough that the library reaches its best; smaller on several ranks, which share the memory.
  const int64_t size = communicator.size() == 1 ? 2048 : 1024;
  left_ = at::full({size, size}, 0.5F);
  right_ = at::full({size, size}, 0.25F);
  product_ = at::empty({size, size});
  LibraryRate(0);  // its first call is slower
}

MatrixRates MatrixProbe::Run() {
  MatrixRates rates;
  communicator_.Barrier();
  if (kernels_ != nullptr) rates.kernel = KernelRate(seconds_);
  communicator_.Barrier();
  rates.library = LibraryRate(seconds_);
  return {SumOverRanks(communicator_, rates.kernel), SumOverRanks(communicator_, rates.library)};
}

double MatrixProbe::KernelRate(double seconds) const {
  std::vector<double> rates(static_cast<size_t>(at::get_num_threads()), 0);
  at::parallel_for(0, static_cast<int64_t>(rates.size()), 1, [&](int64_t begin, int64_t end) {
    // A thread that takes two places does their work one after the other.
    for (int64_t i = begin; i < end; ++i)
      rates[static_cast<size_t>(i)] =
          KernelRateOfThread(*kernels_, seconds) / static_cast<double>(end - begin);
  });
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

double MatrixProbe::LibraryRate(double seconds) {
  const auto size = static_cast<double>(left_.size(0));
  int64_t calls = 0;
  const auto start = Clock::now();
  double elapsed = 0;
  do {
    at::mm_out(product_, left_, right_);
    ++calls;
    elapsed = SecondsSince(start);
  } while (elapsed < seconds);
  return static_cast<double>(calls) * 2 * size * size * size / elapsed;
}

}  // namespace ppr::benchmark
