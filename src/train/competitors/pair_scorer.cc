#include "train/competitors/pair_scorer.h"

#include <ATen/ATen.h>

namespace ppr::train {

at::Tensor PairScorer::FetchRows(const std::vector<int64_t>& ids, std::vector<int64_t>* row_of_id) {
  const dist::ExchangePlan plan = exchange_.MakePlan(ids, row_of_id);
  return exchange_.Fetch(plan, table_.rows);
}

}  // namespace ppr::train
