// Ragged lists of row indices as one rectangle, for batched products.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace ppr::model {

// values [P] int64, none negative, laid out by offsets [B+1]. Returns [B, L] for the longest list, at least
// 1: each list from column 0 on, then -1, which GatherRows takes for a row of zeros.
at::Tensor PaddedIndex(const std::vector<int64_t>& offsets, const at::Tensor& values);

// The list that each of the values belongs to: [P] int64.
at::Tensor ListOfEach(const std::vector<int64_t>& offsets);

}  // namespace ppr::model
