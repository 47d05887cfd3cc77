// Operands of benchmarks: floats as the model has them, with room to read a vector past the end.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"

namespace ppr::bench {

// `count` floats uniform in (-1, 1) and a cache line of zeros behind them.
inline std::vector<float> RandomFloats(int64_t count, uint64_t seed) {
  const RandomKey key = MakeRandomKey(seed, RandomSite::kTest);
  std::vector<float> floats(static_cast<size_t>(count) + 16, 0.0F);
  for (int64_t i = 0; i < count; ++i)
    floats[static_cast<size_t>(i)] = static_cast<float>(2 * key.Uniform(static_cast<uint64_t>(i)) - 1);
  return floats;
}

// `count` ids uniform in [0, bound).
inline std::vector<int64_t> RandomIds(int64_t count, int64_t bound, uint64_t seed) {
  const RandomKey key = MakeRandomKey(seed, RandomSite::kTest);
  std::vector<int64_t> ids(static_cast<size_t>(count));
  for (size_t i = 0; i < ids.size(); ++i)
    ids[i] = static_cast<int64_t>(key.Below(static_cast<uint64_t>(bound), i));
  return ids;
}

}  // namespace ppr::bench
