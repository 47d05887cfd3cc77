#include "train/pair_scorer.h"

#include <ATen/ATen.h>

namespace ppr::train {

at::Tensor PairScorer::CodesOf(std::span<const int32_t> users) const {
  std::vector<int64_t> codes;
  for (const int32_t user : users) {
    const auto profile = dataset_.profile(user);
    for (const int64_t column : profile_.columns) codes.push_back(profile[static_cast<size_t>(column)]);
  }
  return at::tensor(codes, at::kLong)
      .view({static_cast<int64_t>(users.size()), static_cast<int64_t>(profile_.columns.size())});
}

at::Tensor PairScorer::FetchRows(const std::vector<int64_t>& ids, std::vector<int64_t>* row_of_id) {
  const dist::ExchangePlan plan = exchange_.MakePlan(ids, row_of_id);
  return exchange_.Fetch(plan, table_.rows);
}

}  // namespace ppr::train
