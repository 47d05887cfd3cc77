// The floating-point operations that a training batch needs, whatever way it is computed
// (docs/performance.md, "Useful FLOPs"): padding, recomputation and masked-out scores do not count.
#pragma once

#include <cstdint>
#include <span>

#include "data/batches.h"
#include "model/encoder_config.h"

namespace ppr::benchmark {

// Of the matrix products of forward and backward pass, two for each multiply and add.
double UsefulFlops(const model::EncoderConfig& encoder, int64_t negatives,
                   std::span<const data::TrainingSequence> batch);

}  // namespace ppr::benchmark
