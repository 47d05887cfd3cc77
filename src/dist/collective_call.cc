#include "dist/collective_call.h"

#include <ATen/ATen.h>

#include <numeric>

#include "base/errors.h"
#include "base/text_format.h"

namespace ppr::dist {
namespace {

const char* OpName(ReduceOp op) {
  switch (op) {
    case ReduceOp::kSum:
      return "sum";
    case ReduceOp::kMax:
      return "max";
    case ReduceOp::kMin:
      return "min";
  }
  return "?";
}

// "[3, *, 5]"; kAnyRows prints as *.
std::string ListText(const std::vector<int64_t>& values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += ", ";
    text += values[i] == CollectiveCall::kAnyRows ? "*" : std::to_string(values[i]);
  }
  return text + "]";
}

std::string KindText(const CollectiveCall& call) {
  switch (call.kind) {
    case CollectiveCall::Kind::kAllReduce:
      return Format("AllReduce(%s)", OpName(call.op));
    case CollectiveCall::Kind::kAllGatherV:
      return "AllGatherV";
    case CollectiveCall::Kind::kReduceScatter:
      return "ReduceScatter";
    case CollectiveCall::Kind::kAllToAllV:
      return "AllToAllV";
    case CollectiveCall::Kind::kBroadcast:
      return Format("Broadcast from rank %d", call.root);
    case CollectiveCall::Kind::kBarrier:
      return "Barrier";
  }
  return "?";
}

void CheckTensor(const at::Tensor& tensor, const char* call, const char* argument) {
  PPR_BUG_IF_NOT(tensor.defined(), Format("%s: %s is an undefined tensor", call, argument));
  PPR_BUG_IF_NOT(tensor.dim() >= 1, Format("%s: %s is a scalar; give it one dimension", call, argument));
  PPR_BUG_IF_NOT(tensor.is_contiguous(), Format("%s: %s is not contiguous", call, argument));
}

void CheckSummable(const at::Tensor& tensor, const char* call) {
  const at::ScalarType dtype = tensor.scalar_type();
  PPR_BUG_IF_NOT(
      dtype == at::kFloat || dtype == at::kDouble || dtype == at::kInt || dtype == at::kLong,
      Format("%s: dtype %s; float32, float64, int32 and int64 can be reduced", call, c10::toString(dtype)));
}

// The memory of two tensors must not overlap: backends read one while they write the other.
void CheckApart(const at::Tensor& input, const at::Tensor& output, const char* call) {
  const auto* input_begin = static_cast<const char*>(input.const_data_ptr());
  const auto* output_begin = static_cast<const char*>(output.const_data_ptr());
  const bool apart = input.nbytes() == 0 || output.nbytes() == 0 ||
                     input_begin + input.nbytes() <= output_begin ||
                     output_begin + output.nbytes() <= input_begin;
  PPR_BUG_IF_NOT(apart, Format("%s: input and output overlap in memory", call));
}

// Input and output hold rows of one shape and dtype and do not overlap.
void CheckPair(const at::Tensor& input, const at::Tensor& output, const char* call) {
  CheckTensor(input, call, "input");
  CheckTensor(output, call, "output");
  PPR_BUG_IF_NOT(input.scalar_type() == output.scalar_type(),
                 Format("%s: input is %s but output is %s", call, c10::toString(input.scalar_type()),
                        c10::toString(output.scalar_type())));
  PPR_BUG_IF_NOT(input.sizes().slice(1) == output.sizes().slice(1),
                 Format("%s: rows differ in shape: input %s, output %s", call,
                        ListText(input.sizes().vec()).c_str(), ListText(output.sizes().vec()).c_str()));
  CheckApart(input, output, call);
}

// `counts` are one per rank, none negative, and their sum is `rows`.
void CheckCounts(const std::vector<int64_t>& counts, int world_size, int64_t rows, const char* call,
                 const char* name) {
  PPR_BUG_IF_NOT(static_cast<int>(counts.size()) == world_size,
                 Format("%s: %zu %s for %d ranks", call, counts.size(), name, world_size));
  for (const int64_t count : counts) {
    PPR_BUG_IF_NOT(count >= 0,
                   Format("%s: %s %s hold a negative count", call, name, ListText(counts).c_str()));
  }
  const int64_t total = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  PPR_BUG_IF_NOT(total == rows, Format("%s: %s add up to %lld rows but the tensor has %lld", call, name,
                                       static_cast<long long>(total), static_cast<long long>(rows)));
}

std::vector<int64_t> ShapeWithAnyRows(const at::Tensor& tensor) {
  std::vector<int64_t> shape = tensor.sizes().vec();
  shape[0] = CollectiveCall::kAnyRows;
  return shape;
}

}  // namespace

std::string CollectiveCall::Text() const {
  std::string text = KindText(*this);
  if (kind == Kind::kBarrier) return text;
  text += Format(" %s %s", c10::toString(dtype), ListText(shape).c_str());
  if (!counts.empty()) text += " counts " + ListText(counts);
  return text;
}

int64_t RowsOf(const at::Tensor& tensor) { return tensor.size(0); }

int64_t RowElements(const at::Tensor& tensor) {
  const auto sizes = tensor.sizes().slice(1);
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
}

int64_t RowBytes(const at::Tensor& tensor) {
  return RowElements(tensor) * static_cast<int64_t>(tensor.itemsize());
}

CollectiveCall DescribeAllReduce(const at::Tensor& tensor, ReduceOp op) {
  CheckTensor(tensor, "AllReduce", "tensor");
  CheckSummable(tensor, "AllReduce");
  return {.kind = CollectiveCall::Kind::kAllReduce,
          .op = op,
          .dtype = tensor.scalar_type(),
          .shape = tensor.sizes().vec(),
          .counts = {}};
}

CollectiveCall DescribeAllGatherV(const Communicator& communicator, const at::Tensor& input,
                                  const at::Tensor& output, const std::vector<int64_t>& counts) {
  CheckPair(input, output, "AllGatherV");
  CheckCounts(counts, communicator.size(), RowsOf(output), "AllGatherV", "counts");
  const int64_t own_count = counts[static_cast<size_t>(communicator.rank())];
  PPR_BUG_IF_NOT(RowsOf(input) == own_count, Format("AllGatherV: input has %lld rows but counts[%d] is %lld",
                                                    static_cast<long long>(RowsOf(input)),
                                                    communicator.rank(), static_cast<long long>(own_count)));
  return {.kind = CollectiveCall::Kind::kAllGatherV,
          .dtype = input.scalar_type(),
          .shape = ShapeWithAnyRows(input),
          .counts = counts};
}

CollectiveCall DescribeReduceScatter(const Communicator& communicator, const at::Tensor& input,
                                     const at::Tensor& output) {
  CheckPair(input, output, "ReduceScatter");
  CheckSummable(input, "ReduceScatter");
  PPR_BUG_IF_NOT(RowsOf(input) == RowsOf(output) * communicator.size(),
                 Format("ReduceScatter: input has %lld rows, expected %d times the output's %lld",
                        static_cast<long long>(RowsOf(input)), communicator.size(),
                        static_cast<long long>(RowsOf(output))));
  return {.kind = CollectiveCall::Kind::kReduceScatter,
          .dtype = input.scalar_type(),
          .shape = input.sizes().vec(),
          .counts = {}};
}

CollectiveCall DescribeAllToAllV(const Communicator& communicator, const at::Tensor& input,
                                 const std::vector<int64_t>& send_counts, const at::Tensor& output,
                                 const std::vector<int64_t>& recv_counts) {
  CheckPair(input, output, "AllToAllV");
  CheckCounts(send_counts, communicator.size(), RowsOf(input), "AllToAllV", "send counts");
  CheckCounts(recv_counts, communicator.size(), RowsOf(output), "AllToAllV", "receive counts");
  const auto own = static_cast<size_t>(communicator.rank());
  PPR_BUG_IF_NOT(send_counts[own] == recv_counts[own],
                 Format("AllToAllV: rank %zu sends %lld rows to itself but expects %lld", own,
                        static_cast<long long>(send_counts[own]), static_cast<long long>(recv_counts[own])));
  return {.kind = CollectiveCall::Kind::kAllToAllV,
          .dtype = input.scalar_type(),
          .shape = ShapeWithAnyRows(input),
          .counts = {}};
}

CollectiveCall DescribeBroadcast(const Communicator& communicator, const at::Tensor& tensor, int root) {
  CheckTensor(tensor, "Broadcast", "tensor");
  PPR_BUG_IF_NOT(root >= 0 && root < communicator.size(),
                 Format("Broadcast: root %d is not one of %d ranks", root, communicator.size()));
  return {.kind = CollectiveCall::Kind::kBroadcast,
          .dtype = tensor.scalar_type(),
          .shape = tensor.sizes().vec(),
          .counts = {},
          .root = root};
}

CollectiveCall DescribeBarrier() {
  return {.kind = CollectiveCall::Kind::kBarrier, .shape = {}, .counts = {}};
}

std::string PlaceOf(const Communicator& communicator, const std::string& call) {
  return Format("rank %d of %d, phase \"%s\", in %s", communicator.rank(), communicator.size(),
                communicator.phase().c_str(), call.c_str());
}

}  // namespace ppr::dist
