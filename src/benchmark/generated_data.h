// Data for benchmarks, made from a seed: no file needed, and any size.
#pragma once

#include <cstdint>
#include <string>

#include "benchmark/benchmark.h"
#include "data/dataset.h"

namespace ppr::benchmark {

// A leave-one-out dataset: at least `sequences` warm users, and enough of them that their clicks are as many
// as items. A user has on average generated.targets_per_sequence training targets, at most max_history; ids
// are uniform. The first `cases` users have a test case with 99 candidates.
data::Dataset MakeGeneratedDataset(const GeneratedData& generated, int64_t max_history, int64_t sequences,
                                   int64_t cases, uint64_t seed);

// A click log `user_id,item_id,timestamp` in no order, as prepare reads it: 100 clicks a user, a twentieth as
// many items as rows, some of them clicked far more often than others. StorageError.
void WriteGeneratedClicks(const std::string& path, int64_t rows, uint64_t seed);

}  // namespace ppr::benchmark
