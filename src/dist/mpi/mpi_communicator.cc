#include "dist/mpi/mpi_communicator.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <thread>
#include <utility>

#include "base/deadline.h"
#include "base/errors.h"
#include "base/text_format.h"
#include "dist/collective_call.h"
#include "dist/mpi/mpi_check.h"

#include "base/logging.h"

namespace ppr::dist {
namespace {

// Tags of point-to-point messages: one for farewells, one for the call check, the rest in turn for the calls.
// MPI promises tags up to 32767.
constexpr int kFarewellTag = 0;
constexpr int kCallCheckTag = 1;
constexpr int kFirstMessageTag = 2;
constexpr int kNumMessageTags = 30'000;

// Short enough for every transport to send at once.
constexpr size_t kMaxFarewellBytes = 1000;

// Most collectives of a training step end within the spin; a longer wait should leave the core to a rank that
// computes.
constexpr std::chrono::milliseconds kSpin{1};
constexpr std::chrono::microseconds kNap{30};

class MpiWork final : public Work {
 public:
  MpiWork(MpiCommunicator& communicator, std::shared_ptr<MpiTransfer> transfer)
      : communicator_(communicator), transfer_(std::move(transfer)) {}

  void Wait() override { communicator_.Finish(*transfer_); }

 private:
  MpiCommunicator& communicator_;
  std::shared_ptr<MpiTransfer> transfer_;
};

bool CheckCallsRequested() {
  const char* value = std::getenv("PPR_CHECK_COLLECTIVES");
  return value != nullptr && std::string(value) == "1";
}

}  // namespace

MpiCommunicator::MpiCommunicator(MPI_Comm handle, int rank, int size, Options options, int64_t max_transfer)
    : Communicator(rank, size, options),
      channel_{*this, handle, max_transfer},
      check_calls_(CheckCallsRequested()) {}

MpiCommunicator::~MpiCommunicator() {
  for (std::shared_ptr<MpiTransfer>& transfer : outstanding_) {
    if (transfer->done()) continue;
    if (failure_.empty()) {
      LOG(WARNING) << PlaceOf(*this, transfer->call().Text()) << ": not complete when its communicator ended";
    }
    // MPI may still write into these buffers, and waiting here could be for ever: the memory is given up.
    new std::shared_ptr<MpiTransfer>(std::move(transfer));
  }
}

std::unique_ptr<Work> MpiCommunicator::AllReduceAsync(at::Tensor tensor, ReduceOp op) {
  return Start(DescribeAllReduce(tensor, op), {tensor}, {},
               [&](MpiTransfer& transfer) { PostAllReduce(channel_, transfer, tensor, op); });
}

void MpiCommunicator::AllGather(const at::Tensor& input, at::Tensor output) {
  PPR_BUG_IF_NOT(input.defined() && input.dim() >= 1, "AllGather: the input needs at least one dimension");
  AllGatherV(input, std::move(output), std::vector<int64_t>(static_cast<size_t>(size()), RowsOf(input)));
}

void MpiCommunicator::AllGatherV(const at::Tensor& input, at::Tensor output,
                                 const std::vector<int64_t>& counts) {
  Start(DescribeAllGatherV(*this, input, output, counts), {input, output}, {}, [&](MpiTransfer& transfer) {
    PostAllGatherV(channel_, transfer, input, output, counts, MessageTag());
  })->Wait();
}

void MpiCommunicator::ReduceScatter(const at::Tensor& input, at::Tensor output) {
  Start(DescribeReduceScatter(*this, input, output), {input, output}, {}, [&](MpiTransfer& transfer) {
    PostReduceScatter(channel_, transfer, input, output);
  })->Wait();
}

std::unique_ptr<Work> MpiCommunicator::AllToAllVAsync(const at::Tensor& input,
                                                      const std::vector<int64_t>& send_counts,
                                                      at::Tensor output,
                                                      const std::vector<int64_t>& recv_counts) {
  return Start(DescribeAllToAllV(*this, input, send_counts, output, recv_counts), {input, output},
               {send_counts, recv_counts}, [&](MpiTransfer& transfer) {
                 PostAllToAllV(channel_, transfer, input, send_counts, output, recv_counts, MessageTag());
               });
}

void MpiCommunicator::Broadcast(at::Tensor tensor, int root) {
  Start(DescribeBroadcast(*this, tensor, root), {tensor}, {}, [&](MpiTransfer& transfer) {
    PostBroadcast(channel_, transfer, tensor, root);
  })->Wait();
}

void MpiCommunicator::Barrier() {
  Start(DescribeBarrier(), {}, {}, [&](MpiTransfer& transfer) { PostBarrier(channel_, transfer); })->Wait();
}

void MpiCommunicator::Abort(const std::string& reason, ExitCode code) noexcept {
  Fail("rank " + std::to_string(rank()) + " failed in phase \"" + phase() + "\": " + reason, code);
}

std::unique_ptr<Work> MpiCommunicator::Start(const CollectiveCall& call, std::vector<at::Tensor> buffers,
                                             const PairwiseRows& rows, const Post& post) {
  for (const at::Tensor& buffer : buffers) {
    PPR_BUG_IF_NOT(buffer.is_cpu(), call.Text() + ": the MPI backend takes CPU tensors only");
  }
  ThrowIfFailed(call);
  SweepOutstanding();
  ++num_calls_;
  try {
    if (check_calls_) {
      CheckCallAgainstPeers(channel_, call, num_calls_, rows, kCallCheckTag,
                            [&](std::shared_ptr<MpiTransfer> tags) {
                              outstanding_.push_back(std::move(tags));
                              Poll(*outstanding_.back());
                            });
    }
    outstanding_.push_back(std::make_shared<MpiTransfer>(call, std::move(buffers)));
    const std::shared_ptr<MpiTransfer> transfer = outstanding_.back();
    post(*transfer);
    return std::make_unique<MpiWork>(*this, transfer);
  } catch (const CommunicationError& error) {
    Fail(error.what(), error.code());
    throw;
  }
}

void MpiCommunicator::Finish(MpiTransfer& transfer) {
  if (transfer.done()) return;
  ThrowIfFailed(transfer.call());
  try {
    Poll(transfer);
    SweepOutstanding();
  } catch (const CommunicationError& error) {
    Fail(error.what(), error.code());
    throw;
  }
}

void MpiCommunicator::Poll(MpiTransfer& transfer) {
  const Deadline spin_end = Deadline::After(kSpin);
  const Deadline end = Deadline::After(options().deadline);
  while (!transfer.Test(*this)) {
    if (!spin_end.passed()) {
      std::this_thread::yield();  // ranks may outnumber cores
      continue;
    }
    ThrowIfPeerFailed(transfer.call());
    if (end.passed()) {
      throw CommunicationError(PlaceOf(*this, transfer.call().Text()) +
                               Format(": waited %.1f s for %s",
                                      std::chrono::duration<double>(options().deadline).count(),
                                      transfer.MissingPeers().c_str()));
    }
    std::this_thread::sleep_for(kNap);
  }
}

void MpiCommunicator::Fail(const std::string& reason, ExitCode code) noexcept {
  if (!failure_.empty()) return;
  try {
    failure_ = reason;
    failure_code_ = code;
    LOG(ERROR) << failure_;
    SendFarewells();
  } catch (const std::exception& error) {
    LOG(ERROR) << "rank " << rank() << " could not tell its peers of a failure: " << error.what();
  }
}

void MpiCommunicator::SendFarewells() {
  farewell_ = static_cast<char>(failure_code_) + failure_;
  const int length_bytes = static_cast<int>(std::min(farewell_.size(), kMaxFarewellBytes));
  for (int peer = 0; peer < size(); ++peer) {
    if (peer == rank()) continue;
    PPR_MPI_CHECK_NOTHROW(MPI_Isend(farewell_.data(), length_bytes, MPI_CHAR, peer, kFarewellTag,
                                    channel_.handle, &farewells_.emplace_back(MPI_REQUEST_NULL)));
  }
  int complete = 0;  // one look, which also pushes the messages out; nobody waits for them
  PPR_MPI_CHECK_NOTHROW(
      MPI_Testall(static_cast<int>(farewells_.size()), farewells_.data(), &complete, MPI_STATUSES_IGNORE));
}

void MpiCommunicator::ThrowIfFailed(const CollectiveCall& call) const {
  if (failure_.empty()) return;
  throw CommunicationError(PlaceOf(*this, call.Text()) + ": " + failure_, failure_code_);
}

void MpiCommunicator::ThrowIfPeerFailed(const CollectiveCall& call) {
  int found = 0;
  MPI_Status status;
  PPR_MPI_CHECK(MPI_Iprobe(MPI_ANY_SOURCE, kFarewellTag, channel_.handle, &found, &status),
                PlaceOf(*this, call.Text()));
  if (found == 0) return;
  char text[kMaxFarewellBytes];
  int length_bytes = 0;
  PPR_MPI_CHECK(
      MPI_Recv(text, sizeof(text), MPI_CHAR, status.MPI_SOURCE, kFarewellTag, channel_.handle, &status),
      PlaceOf(*this, call.Text()));
  PPR_MPI_CHECK(MPI_Get_count(&status, MPI_CHAR, &length_bytes), PlaceOf(*this, call.Text()));
  failure_code_ = static_cast<ExitCode>(text[0]);
  failure_.assign(text + 1, static_cast<size_t>(length_bytes) - 1);
  ThrowIfFailed(call);
}

void MpiCommunicator::SweepOutstanding() {
  std::erase_if(outstanding_, [&](const std::shared_ptr<MpiTransfer>& transfer) {
    const bool dropped = transfer.use_count() == 1;
    return transfer->done() || (dropped && transfer->Test(*this));
  });
}

int MpiCommunicator::MessageTag() const {
  return kFirstMessageTag + static_cast<int>(num_calls_ % kNumMessageTags);
}

}  // namespace ppr::dist
