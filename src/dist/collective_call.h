// One collective as one rank called it: the part that all ranks must agree on, in a form that can be compared
// and printed. The functions check a rank's own arguments (BugError) and are shared by all backends.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dist/communicator.h"

namespace ppr::dist {

struct CollectiveCall {
  enum class Kind { kAllReduce, kAllGatherV, kReduceScatter, kAllToAllV, kBroadcast, kBarrier };

  Kind kind = Kind::kBarrier;
  ReduceOp op = ReduceOp::kSum;
  at::ScalarType dtype = at::kByte;
  std::vector<int64_t> shape;   // kAnyRows where the ranks may differ
  std::vector<int64_t> counts;  // [W] rows of each rank, where all ranks must name the same
  int root = -1;

  static constexpr int64_t kAnyRows = -1;

  bool operator==(const CollectiveCall&) const = default;
  // "AllReduce(sum) float32 [12, 64]": two calls print alike when they are equal.
  std::string Text() const;
};

// Rows of a tensor, elements and bytes of one row. A tensor without rows has rows of the size its shape
// tells.
int64_t RowsOf(const at::Tensor& tensor);
int64_t RowElements(const at::Tensor& tensor);
int64_t RowBytes(const at::Tensor& tensor);

CollectiveCall DescribeAllReduce(const at::Tensor& tensor, ReduceOp op);
// `counts` are those of AllGatherV; AllGather passes its own rows W times.
CollectiveCall DescribeAllGatherV(const Communicator& communicator, const at::Tensor& input,
                                  const at::Tensor& output, const std::vector<int64_t>& counts);
CollectiveCall DescribeReduceScatter(const Communicator& communicator, const at::Tensor& input,
                                     const at::Tensor& output);
CollectiveCall DescribeAllToAllV(const Communicator& communicator, const at::Tensor& input,
                                 const std::vector<int64_t>& send_counts, const at::Tensor& output,
                                 const std::vector<int64_t>& recv_counts);
CollectiveCall DescribeBroadcast(const Communicator& communicator, const at::Tensor& tensor, int root);
CollectiveCall DescribeBarrier();

// "rank 1 of 4, phase "step 12", in AllReduce(sum) float32 [3]": the place that an error message starts with.
std::string PlaceOf(const Communicator& communicator, const std::string& call);

}  // namespace ppr::dist
