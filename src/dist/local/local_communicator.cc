#include "dist/local/local_communicator.h"

#include <exception>
#include <string>
#include <thread>
#include <utility>

#include "base/errors.h"
#include "base/text_format.h"
#include "dist/collective_call.h"
#include "dist/local/local_group.h"

namespace ppr::dist {
namespace {

// A rank's side of a meeting; the group carries the collective out when the last rank posts.
class LocalWork : public Work {
 public:
  LocalWork(const Communicator& caller, std::shared_ptr<LocalGroup> group,
            std::shared_ptr<LocalGroup::Meeting> meeting)
      : caller_(caller), group_(std::move(group)), meeting_(std::move(meeting)) {}

  void Wait() override { group_->Wait(caller_, *meeting_, caller_.options().deadline); }

 private:
  const Communicator& caller_;
  std::shared_ptr<LocalGroup> group_;
  std::shared_ptr<LocalGroup::Meeting> meeting_;
};

class LocalCommunicator : public Communicator {
 public:
  LocalCommunicator(int rank, int size, Options options, std::shared_ptr<LocalGroup> group)
      : Communicator(rank, size, options), group_(std::move(group)) {}

  std::unique_ptr<Work> AllReduceAsync(at::Tensor tensor, ReduceOp op) override {
    const CollectiveCall call = DescribeAllReduce(tensor, op);
    return Post(call, {.input = {}, .output = std::move(tensor), .send_counts = {}, .recv_counts = {}});
  }

  void AllGather(const at::Tensor& input, at::Tensor output) override {
    PPR_BUG_IF_NOT(input.defined() && input.dim() >= 1, "AllGather: the input needs at least one dimension");
    AllGatherV(input, std::move(output), std::vector<int64_t>(static_cast<size_t>(size()), RowsOf(input)));
  }

  void AllGatherV(const at::Tensor& input, at::Tensor output, const std::vector<int64_t>& counts) override {
    const CollectiveCall call = DescribeAllGatherV(*this, input, output, counts);
    Post(call, {.input = input, .output = std::move(output), .send_counts = {}, .recv_counts = {}})->Wait();
  }

  void ReduceScatter(const at::Tensor& input, at::Tensor output) override {
    const CollectiveCall call = DescribeReduceScatter(*this, input, output);
    Post(call, {.input = input, .output = std::move(output), .send_counts = {}, .recv_counts = {}})->Wait();
  }

  std::unique_ptr<Work> AllToAllVAsync(const at::Tensor& input, const std::vector<int64_t>& send_counts,
                                       at::Tensor output, const std::vector<int64_t>& recv_counts) override {
    const CollectiveCall call = DescribeAllToAllV(*this, input, send_counts, output, recv_counts);
    return Post(call, {input, std::move(output), send_counts, recv_counts});
  }

  void Broadcast(at::Tensor tensor, int root) override {
    const CollectiveCall call = DescribeBroadcast(*this, tensor, root);
    Post(call, {.input = {}, .output = std::move(tensor), .send_counts = {}, .recv_counts = {}})->Wait();
  }

  void Barrier() override { Post(DescribeBarrier(), {})->Wait(); }

  void Abort(const std::string& reason, ExitCode code) noexcept override {
    group_->Fail(rank(), "rank " + std::to_string(rank()) + " failed: " + reason, code);
  }

 private:
  std::unique_ptr<Work> Post(const CollectiveCall& call, Contribution part) {
    for (const at::Tensor& tensor : {part.input, part.output}) {
      PPR_BUG_IF_NOT(!tensor.defined() || tensor.is_cpu(),
                     call.Text() + ": the local backend takes CPU tensors only");
    }
    return std::make_unique<LocalWork>(*this, group_,
                                       group_->Post(*this, num_calls_++, call, std::move(part)));
  }

  std::shared_ptr<LocalGroup> group_;
  int64_t num_calls_ = 0;
};

// Runs one rank; its error wakes the peers and is kept for the caller of RunLocalRanks.
std::exception_ptr RunRank(Communicator& communicator, LocalGroup& group,
                           const std::function<void(Communicator&)>& body) {
  std::exception_ptr error;
  try {
    body(communicator);
  } catch (const std::exception& caught) {
    error = std::current_exception();
    const auto* ours = dynamic_cast<const Error*>(&caught);
    group.Fail(communicator.rank(),
               Format("rank %d failed in phase \"%s\": %s", communicator.rank(), communicator.phase().c_str(),
                      caught.what()),
               ours != nullptr ? ours->code() : ExitCode::kInternal);
  } catch (...) {
    error = std::current_exception();
    group.Fail(communicator.rank(), Format("rank %d failed", communicator.rank()), ExitCode::kInternal);
  }
  group.Leave(communicator.rank());
  return error;
}

}  // namespace

std::unique_ptr<Communicator> MakeSingleRankCommunicator() {
  return std::make_unique<LocalCommunicator>(0, 1, Communicator::Options{}, std::make_shared<LocalGroup>(1));
}

void RunLocalRanks(int world_size, Communicator::Options options,
                   const std::function<void(Communicator&)>& body) {
  PPR_BUG_IF_NOT(world_size >= 1, Format("RunLocalRanks: %d ranks", world_size));
  const auto group = std::make_shared<LocalGroup>(world_size);
  std::vector<std::exception_ptr> errors(static_cast<size_t>(world_size));
  {
    std::vector<std::jthread> threads;  // joined at the end of this block, whatever happens
    for (int rank = 0; rank < world_size; ++rank) {
      threads.emplace_back([&, rank] {
        LocalCommunicator communicator(rank, world_size, options, group);
        errors[static_cast<size_t>(rank)] = RunRank(communicator, *group, body);
      });
    }
  }
  // The rank that failed first knows the cause; the others only know that a peer failed.
  const int culprit = group->first_failed_rank();
  if (culprit >= 0 && errors[static_cast<size_t>(culprit)])
    std::rethrow_exception(errors[static_cast<size_t>(culprit)]);
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace ppr::dist
