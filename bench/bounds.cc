#include "bench/bounds.h"

#include <cstring>
#include <vector>

#include "benchmark/matrix_probe.h"
#include "model/fused/kernels.h"

namespace ppr::bench {
namespace {

constexpr double kProbeSeconds = 0.05;
constexpr size_t kCacheBytes = size_t{192} << 10;  // both buffers fit 512 KiB of second-level cache
constexpr size_t kMemoryBytes = size_t{128} << 20;

// Bytes/s, read and written, of copies of `bytes`.
double CopyRate(size_t bytes) {
  const std::vector<char> from(bytes, 1);
  std::vector<char> to(bytes, 2);
  std::memcpy(to.data(), from.data(), bytes);
  double moved = 0, elapsed = 0;
  const auto start = std::chrono::steady_clock::now();
  do {
    for (int i = 0; i < 8; ++i) {
      std::memcpy(to.data(), from.data(), bytes);
      benchmark::ClobberMemory();
      moved += 2 * static_cast<double>(bytes);
    }
    elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  } while (elapsed < kProbeSeconds);
  return moved / elapsed;
}

double RateOf(Bound bound) {
  switch (bound) {
    case Bound::kProducts:
      return benchmark::KernelRateOfThread(*model::fused::BestKernels(), kProbeSeconds);
    case Bound::kLanes:
      return RateOf(Bound::kProducts) / 2;
    case Bound::kCache:
      return CopyRate(kCacheBytes);
    case Bound::kMemory:
      return CopyRate(kMemoryBytes);
  }
  return 0;
}

const char* NameOf(Bound bound) {
  switch (bound) {
    case Bound::kProducts:
      return "GFLOP/s of products";
    case Bound::kLanes:
      return "G lane operations/s";
    case Bound::kCache:
      return "GB/s in cache";
    case Bound::kMemory:
      return "GB/s of memory";
  }
  return "";
}

}  // namespace

Roofline::Roofline(benchmark::State& state, Bound bound)
    : state_(state), bound_(bound), limit_(RateOf(bound)), start_(std::chrono::steady_clock::now()) {}

double Roofline::Report(double work) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double rate = work * static_cast<double>(state_.iterations()) / seconds;
  state_.counters["rate"] = rate / 1e9;
  state_.counters["bound"] = limit_ / 1e9;
  state_.counters["percent"] = 100 * rate / limit_;
  state_.SetLabel(NameOf(bound_));
  return seconds;
}

}  // namespace ppr::bench
