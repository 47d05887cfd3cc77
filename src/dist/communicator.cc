#include "dist/communicator.h"

#include <ATen/ATen.h>

#include <cstring>
#include <numeric>

#include "base/errors.h"
#include "base/text_format.h"

namespace ppr::dist {
namespace {

at::Tensor BytesOf(const std::string& text) {
  at::Tensor bytes = at::empty({static_cast<int64_t>(text.size())}, at::kByte);
  if (!text.empty()) std::memcpy(bytes.mutable_data_ptr(), text.data(), text.size());
  return bytes;
}

}  // namespace

void Communicator::AllToAll(const at::Tensor& input, at::Tensor output) {
  PPR_BUG_IF_NOT(input.defined() && input.dim() >= 1 && input.size(0) % size_ == 0,
                 Format("AllToAll: the input's rows must be a multiple of the %d ranks", size_));
  const std::vector<int64_t> counts(static_cast<size_t>(size_), input.size(0) / size_);
  AllToAllV(input, counts, std::move(output), counts);
}

bool AllOk(Communicator& communicator, bool ok) {
  at::Tensor verdict = at::full({1}, ok ? 1 : 0, at::kInt);
  communicator.AllReduce(verdict, ReduceOp::kMin);
  return *verdict.const_data_ptr<int32_t>() == 1;
}

std::string BroadcastText(Communicator& communicator, const std::string& text, int root) {
  at::Tensor length = at::full({1}, static_cast<int64_t>(text.size()), at::kLong);
  communicator.Broadcast(length, root);
  const int64_t size_bytes = *length.const_data_ptr<int64_t>();
  at::Tensor bytes = communicator.rank() == root ? BytesOf(text) : at::empty({size_bytes}, at::kByte);
  communicator.Broadcast(bytes, root);
  return {static_cast<const char*>(bytes.const_data_ptr()), static_cast<size_t>(size_bytes)};
}

std::vector<std::string> AllGatherText(Communicator& communicator, const std::string& text) {
  at::Tensor lengths = at::empty({communicator.size()}, at::kLong);
  communicator.AllGather(at::full({1}, static_cast<int64_t>(text.size()), at::kLong), lengths);
  const int64_t* length = lengths.const_data_ptr<int64_t>();
  const std::vector<int64_t> counts(length, length + communicator.size());
  at::Tensor all = at::empty({std::accumulate(counts.begin(), counts.end(), int64_t{0})}, at::kByte);
  communicator.AllGatherV(BytesOf(text), all, counts);

  std::vector<std::string> texts;
  const auto* next = static_cast<const char*>(all.const_data_ptr());
  for (const int64_t count : counts) {
    texts.emplace_back(next, static_cast<size_t>(count));
    next += count;
  }
  return texts;
}

}  // namespace ppr::dist
