#include "checkpoint/reshard.h"

#include <numeric>

namespace ppr::checkpoint {

RowProgression RowsInCommon(int64_t num_items, int from_world, int from_rank, int to_world, int to_rank) {
  const int64_t divisor = std::gcd(from_world, to_world);
  if (from_rank % divisor != to_rank % divisor) return {};
  // The first common row: at most W' / gcd steps along the rows of from_rank.
  int64_t first = from_rank;
  while (first % to_world != to_rank) first += from_world;
  if (first >= num_items) return {};
  const int64_t period = int64_t{from_world} / divisor * to_world;  // lcm
  return {.count = (num_items - first + period - 1) / period,
          .from_slot = first / from_world,
          .from_stride = period / from_world,
          .to_slot = first / to_world,
          .to_stride = period / to_world};
}

}  // namespace ppr::checkpoint
