// How sequences lie end to end in a packed batch: no padding anywhere (docs/notation.md).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace ppr::model {

struct PackedLayout {
  std::vector<int64_t>
      offsets;  // [B+1]: sequence b is tokens [offsets[b], offsets[b+1]); empty sequences are allowed
  at::Tensor positions;  // [T] int64: row of the position table, or -1 for a token without one (prompts)
  // [T] int64: the 64-bit random key of each token, made from (seed, step, user, position in the history,
  // view), so that dropout masks do not depend on ranks or batch order. Undefined when the encoder runs
  // without dropout.
  at::Tensor token_keys;

  int64_t num_sequences() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t num_tokens() const { return offsets.back(); }
};

}  // namespace ppr::model
