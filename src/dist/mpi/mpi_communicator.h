// The MPI backend: non-blocking MPI calls, polled up to a deadline, since a blocking one would wait for a
// dead peer for ever. Private to this folder; made by MpiSession. All calls come from the thread that started
// MPI.
#pragma once

#include <mpi.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/errors.h"
#include "dist/mpi/mpi_call_check.h"
#include "dist/mpi/mpi_posts.h"

namespace ppr::dist {

class MpiCommunicator final : public Communicator {
 public:
  // `handle` carries nobody else's traffic and has the errors-return handler; it is not freed here, since
  // MPI_Comm_free is collective and this object may die alone: MPI_Finalize takes it.
  MpiCommunicator(MPI_Comm handle, int rank, int size, Options options, int64_t max_transfer);
  ~MpiCommunicator() override;

  std::unique_ptr<Work> AllReduceAsync(at::Tensor tensor, ReduceOp op) override;
  void AllGather(const at::Tensor& input, at::Tensor output) override;
  void AllGatherV(const at::Tensor& input, at::Tensor output, const std::vector<int64_t>& counts) override;
  void ReduceScatter(const at::Tensor& input, at::Tensor output) override;
  std::unique_ptr<Work> AllToAllVAsync(const at::Tensor& input, const std::vector<int64_t>& send_counts,
                                       at::Tensor output, const std::vector<int64_t>& recv_counts) override;
  void Broadcast(at::Tensor tensor, int root) override;
  void Barrier() override;
  // Sends the reason to the peers, whose waits look for it.
  void Abort(const std::string& reason, ExitCode code) noexcept override;

  // Polls until the transfer is done. Throws CommunicationError at the deadline, or when a peer has failed.
  void Finish(MpiTransfer& transfer);

 private:
  using Post = std::function<void(MpiTransfer&)>;

  // Starts a collective: `post` makes its MPI calls. An error is told to the peers, and thrown again by every
  // later call.
  std::unique_ptr<Work> Start(const CollectiveCall& call, std::vector<at::Tensor> buffers,
                              const PairwiseRows& rows, const Post& post);
  void Poll(MpiTransfer& transfer);
  // Remembers the failure; the first one also goes to the peers.
  void Fail(const std::string& reason, ExitCode code) noexcept;
  void SendFarewells();
  void ThrowIfFailed(const CollectiveCall& call) const;
  // Looks for a peer's farewell.
  void ThrowIfPeerFailed(const CollectiveCall& call);
  // Lets go of transfers that are complete. Those whose Work was dropped make progress here.
  void SweepOutstanding();
  // The tag of the messages of the call under way.
  int MessageTag() const;

  MpiChannel channel_;
  bool check_calls_;
  int64_t num_calls_ = 0;
  std::vector<std::shared_ptr<MpiTransfer>> outstanding_;
  std::string failure_;  // empty while all is well
  ExitCode failure_code_ = ExitCode::kInternal;
  std::string farewell_;                // the failure as the peers get it: one byte of code, then the reason
  std::vector<MPI_Request> farewells_;  // farewell_ on its way to the peers
};

}  // namespace ppr::dist
