// Micro-benchmarks of the kernels, each on one thread, beside the limit of the machine that it should be held
// against.
//
//     micro_benchmarks [--benchmark_filter=REGEX] [--benchmark_format=json]
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include <cstdio>

#include "model/fused/kernels.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 64;
  if (ppr::model::fused::BestKernels() == nullptr) {
    std::fputs("micro_benchmarks: this processor has neither AVX-512 nor AVX2: nothing to measure\n", stderr);
    return 64;
  }
  at::set_num_threads(1);
  at::globalContext().setFlushDenormal(true);  // as in a training run
  benchmark::AddCustomContext("kernels", ppr::model::fused::BestKernels()->name);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
