#include "model/item_table.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "base/random.h"

namespace ppr::model {

ItemTable::ItemTable(int64_t num_items, int64_t width, int this_rank, int world_size, uint64_t seed,
                     double init_std)
    : owners(num_items, world_size),
      rank(this_rank),
      rows(at::empty({owners.num_rows(this_rank), width}, at::TensorOptions().dtype(at::kFloat))) {
  const RandomKey table_key = MakeRandomKey(seed, RandomSite::kInitialRow);
  float* const values = rows.mutable_data_ptr<float>();
  at::parallel_for(0, rows.size(0), /*grain_size=*/256, [&](int64_t begin, int64_t end) {
    for (int64_t slot = begin; slot < end; ++slot) {
      const RandomKey row_key = table_key.With(static_cast<uint64_t>(owners.id(rank, slot)));
      for (int64_t column = 0; column < width; ++column) {
        values[slot * width + column] =
            static_cast<float>(init_std * row_key.Normal(static_cast<uint64_t>(column)));
      }
    }
  });
}

}  // namespace ppr::model
