// The arithmetic of the local backend: one thread works on the buffers of all ranks.
#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/errors.h"
#include "base/text_format.h"
#include "dist/local/local_group.h"

namespace ppr::dist {
namespace {

void CopyRows(const at::Tensor& from, int64_t from_row, at::Tensor& to, int64_t to_row, int64_t rows) {
  const int64_t row_bytes = RowBytes(from);
  if (rows * row_bytes == 0) return;
  std::memcpy(static_cast<char*>(to.mutable_data_ptr()) + to_row * row_bytes,
              static_cast<const char*>(from.const_data_ptr()) + from_row * row_bytes,
              static_cast<size_t>(rows * row_bytes));
}

template <typename T>
void Combine(ReduceOp op, T* into, const T* from, int64_t elements) {
  switch (op) {
    case ReduceOp::kSum:
      for (int64_t i = 0; i < elements; ++i) into[i] += from[i];
      break;
    case ReduceOp::kMax:
      for (int64_t i = 0; i < elements; ++i) into[i] = std::max(into[i], from[i]);
      break;
    case ReduceOp::kMin:
      for (int64_t i = 0; i < elements; ++i) into[i] = std::min(into[i], from[i]);
      break;
  }
}

// into[0, elements) := op(into, from[first, first + elements)).
void CombineTensor(ReduceOp op, at::Tensor& into, const at::Tensor& from, int64_t first) {
  const int64_t elements = into.numel();
  switch (into.scalar_type()) {
    case at::kFloat:
      return Combine(op, into.mutable_data_ptr<float>(), from.const_data_ptr<float>() + first, elements);
    case at::kDouble:
      return Combine(op, into.mutable_data_ptr<double>(), from.const_data_ptr<double>() + first, elements);
    case at::kInt:
      return Combine(op, into.mutable_data_ptr<int32_t>(), from.const_data_ptr<int32_t>() + first, elements);
    case at::kLong:
      return Combine(op, into.mutable_data_ptr<int64_t>(), from.const_data_ptr<int64_t>() + first, elements);
    default:
      throw BugError(Format("no reduction for dtype %s", c10::toString(into.scalar_type())));
  }
}

void CarryOutAllReduce(ReduceOp op, std::vector<Contribution>& parts) {
  at::Tensor& total = parts[0].output;
  for (size_t rank = 1; rank < parts.size(); ++rank) CombineTensor(op, total, parts[rank].output, 0);
  for (size_t rank = 1; rank < parts.size(); ++rank) CopyRows(total, 0, parts[rank].output, 0, RowsOf(total));
}

void CarryOutAllGatherV(const std::vector<int64_t>& counts, std::vector<Contribution>& parts) {
  for (Contribution& receiver : parts) {
    int64_t row = 0;
    for (size_t rank = 0; rank < parts.size(); ++rank) {
      CopyRows(parts[rank].input, 0, receiver.output, row, counts[rank]);
      row += counts[rank];
    }
  }
}

void CarryOutReduceScatter(std::vector<Contribution>& parts) {
  for (size_t receiver = 0; receiver < parts.size(); ++receiver) {
    at::Tensor& output = parts[receiver].output;
    const int64_t first_row = static_cast<int64_t>(receiver) * RowsOf(output);
    CopyRows(parts[0].input, first_row, output, 0, RowsOf(output));
    for (size_t rank = 1; rank < parts.size(); ++rank) {
      CombineTensor(ReduceOp::kSum, output, parts[rank].input, first_row * RowElements(output));
    }
  }
}

void CheckPairwiseCounts(const std::vector<Contribution>& parts) {
  for (size_t sender = 0; sender < parts.size(); ++sender) {
    for (size_t receiver = 0; receiver < parts.size(); ++receiver) {
      const int64_t sent = parts[sender].send_counts[receiver];
      const int64_t expected = parts[receiver].recv_counts[sender];
      if (sent == expected) continue;
      throw CommunicationError(
          Format("AllToAllV counts do not agree: rank %zu sends %lld rows to rank %zu, which "
                 "expects %lld",
                 sender, static_cast<long long>(sent), receiver, static_cast<long long>(expected)));
    }
  }
}

void CarryOutAllToAllV(std::vector<Contribution>& parts) {
  CheckPairwiseCounts(parts);
  std::vector<int64_t> next_row(parts.size(), 0);  // of each receiver's output
  for (const Contribution& sender : parts) {
    const auto rank = static_cast<size_t>(&sender - parts.data());
    int64_t from_row = 0;
    for (size_t receiver = 0; receiver < parts.size(); ++receiver) {
      const int64_t rows = parts[rank].send_counts[receiver];
      CopyRows(sender.input, from_row, parts[receiver].output, next_row[receiver], rows);
      from_row += rows;
      next_row[receiver] += rows;
    }
  }
}

void CarryOutBroadcast(size_t root, std::vector<Contribution>& parts) {
  for (size_t rank = 0; rank < parts.size(); ++rank) {
    if (rank != root) CopyRows(parts[root].output, 0, parts[rank].output, 0, RowsOf(parts[root].output));
  }
}

}  // namespace

void CarryOut(const CollectiveCall& call, std::vector<Contribution>& parts) {
  switch (call.kind) {
    case CollectiveCall::Kind::kAllReduce:
      return CarryOutAllReduce(call.op, parts);
    case CollectiveCall::Kind::kAllGatherV:
      return CarryOutAllGatherV(call.counts, parts);
    case CollectiveCall::Kind::kReduceScatter:
      return CarryOutReduceScatter(parts);
    case CollectiveCall::Kind::kAllToAllV:
      return CarryOutAllToAllV(parts);
    case CollectiveCall::Kind::kBroadcast:
      return CarryOutBroadcast(static_cast<size_t>(call.root), parts);
    case CollectiveCall::Kind::kBarrier:
      return;
  }
}

}  // namespace ppr::dist
