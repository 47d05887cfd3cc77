// How an encoder is computed.
#pragma once

namespace ppr::model {

// How the encoder is computed: by the fused CPU kernels where they can run it (auto), by them or not at all,
// or by the reference in ATen operators. Changes results by rounding only.
enum class ComputePath { kAuto, kFused, kReference };

}  // namespace ppr::model
