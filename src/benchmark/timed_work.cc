#include "benchmark/timed_work.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace ppr::benchmark {

double SumOverRanks(dist::Communicator& communicator, double value) {
  const at::Tensor sum = at::full({1}, value, at::kDouble);
  communicator.AllReduce(sum);
  return sum.item<double>();
}

double SecondsOnAllRanks(dist::Communicator& communicator, const std::function<void()>& work) {
  communicator.Barrier();
  const auto start = std::chrono::steady_clock::now();
  work();
  const double mine = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const at::Tensor longest = at::full({1}, mine, at::kDouble);
  communicator.AllReduce(longest, dist::ReduceOp::kMax);
  return longest.item<double>();
}

int64_t WarmUp(dist::Communicator& communicator, double warmup_seconds, double seconds,
               const std::function<void(int64_t units)>& work) {
  constexpr int kLeastRounds = 3;  // the first ones also allocate and fault in memory
  double total = 0, per_unit = 0;
  int64_t units = 1;
  for (int round = 0; round < kLeastRounds || total < warmup_seconds; ++round, units *= 2) {
    const double elapsed = SecondsOnAllRanks(communicator, [&] { work(units); });
    total += elapsed;
    per_unit = elapsed / static_cast<double>(units);
  }
  return std::max<int64_t>(1, std::llround(seconds / per_unit));
}

}  // namespace ppr::benchmark
