#include "model/padded_index.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

#include "base/errors.h"

namespace ppr::model {
namespace {

int64_t LengthOf(const std::vector<int64_t>& offsets, size_t list) {
  return offsets[list + 1] - offsets[list];
}

void CheckOffsets(const std::vector<int64_t>& offsets) {
  PPR_BUG_IF_NOT(!offsets.empty() && offsets.front() == 0 && std::is_sorted(offsets.begin(), offsets.end()),
                 "offsets of lists do not ascend from 0");
}

}  // namespace

at::Tensor PaddedIndex(const std::vector<int64_t>& offsets, const at::Tensor& values) {
  CheckOffsets(offsets);
  PPR_BUG_IF_NOT(
      values.dim() == 1 && values.size(0) == offsets.back(),
      "lists of " + std::to_string(offsets.back()) + " values got " + std::to_string(values.numel()));
  PPR_BUG_IF_NOT(values.numel() == 0 || values.min().item<int64_t>() >= 0, "a row index is negative");
  const size_t lists = offsets.size() - 1;
  int64_t longest = 1;
  for (size_t b = 0; b < lists; ++b) longest = std::max(longest, LengthOf(offsets, b));
  at::Tensor padded = at::full({static_cast<int64_t>(lists), longest}, -1, values.options());
  const at::Tensor contiguous = values.contiguous();
  const int64_t* const from = contiguous.const_data_ptr<int64_t>();
  int64_t* const to = padded.mutable_data_ptr<int64_t>();
  for (size_t b = 0; b < lists; ++b) {
    std::copy(from + offsets[b], from + offsets[b + 1], to + static_cast<int64_t>(b) * longest);
  }
  return padded;
}

at::Tensor ListOfEach(const std::vector<int64_t>& offsets) {
  CheckOffsets(offsets);
  at::Tensor list = at::empty({offsets.back()}, at::kLong);
  int64_t* const to = list.mutable_data_ptr<int64_t>();
  for (size_t b = 0; b + 1 < offsets.size(); ++b) {
    std::fill(to + offsets[b], to + offsets[b + 1], static_cast<int64_t>(b));
  }
  return list;
}

}  // namespace ppr::model
