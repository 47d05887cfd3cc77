// Collectives between the ranks of a job: one interface, two backends (ranks as threads of a process, MPI).
//
// Conventions, all backends:
// - Every function is collective: all ranks call the same functions in the same order with matching shapes
// and
//   dtypes. A mismatch is an error on every rank that can see it, never silent corruption.
// - Tensors are contiguous and live on the backend's device (CPU for local and MPI). "Rows" are slices of
//   dimension 0; a tensor of any rank >= 1 works and an empty tensor is fine. Counts are rows, 64-bit.
// - Each call has a deadline (Options::deadline). When it passes, or a peer fails, CommunicationError is
// thrown
//   naming the call, this rank, the phase and, where known, the peer. After that the communicator only
//   throws.
// - The order of a sum depends on the world size and the length alone (local backend: rank order), so that
// the
//   same inputs give the same bits each time at the same world size, and the same on all ranks.
// - A rank thread drives one communicator; not thread-safe.
#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/errors.h"

namespace ppr::dist {

enum class ReduceOp { kSum, kMax, kMin };

// A collective under way. Keeps its buffers alive. Wait() before reading outputs or writing inputs; a Work
// that is dropped without Wait() is waited for by nobody: its buffers stay alive until the communicator is
// destroyed.
class Work {
 public:
  virtual ~Work() = default;
  // Blocks the host until the collective is complete (stream-ordered on GPU backends). Throws
  // CommunicationError.
  virtual void Wait() = 0;
};

class Communicator {
 public:
  struct Options {
    std::chrono::milliseconds deadline{600'000};
  };

  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  const Options& options() const { return options_; }
  // What this rank is doing ("step 12 forward"), quoted in error messages.
  void set_phase(std::string phase) { phase_ = std::move(phase); }
  const std::string& phase() const { return phase_; }

  // tensor := reduction over ranks of tensor, element by element. float32, float64, int32 or int64.
  void AllReduce(at::Tensor tensor, ReduceOp op = ReduceOp::kSum) {
    AllReduceAsync(std::move(tensor), op)->Wait();
  }
  [[nodiscard]] virtual std::unique_ptr<Work> AllReduceAsync(at::Tensor tensor, ReduceOp op) = 0;

  // output [W*n, ...] := the inputs [n, ...] of all ranks in rank order.
  virtual void AllGather(const at::Tensor& input, at::Tensor output) = 0;
  // As AllGather with counts[r] rows from rank r; input has counts[rank()] rows, output sum(counts).
  virtual void AllGatherV(const at::Tensor& input, at::Tensor output, const std::vector<int64_t>& counts) = 0;

  // output [n, ...] := this rank's n rows of the sum over ranks of input [W*n, ...]. float32, float64, int64.
  virtual void ReduceScatter(const at::Tensor& input, at::Tensor output) = 0;

  // input [W*n, ...]: rows [p*n, (p+1)*n) go to rank p; output [W*n, ...] holds rank p's rows for us at [p*n,
  // ...).
  void AllToAll(const at::Tensor& input, at::Tensor output);
  // As AllToAll with send_counts[p] rows for rank p and recv_counts[p] rows from rank p.
  void AllToAllV(const at::Tensor& input, const std::vector<int64_t>& send_counts, at::Tensor output,
                 const std::vector<int64_t>& recv_counts) {
    AllToAllVAsync(input, send_counts, std::move(output), recv_counts)->Wait();
  }
  [[nodiscard]] virtual std::unique_ptr<Work> AllToAllVAsync(const at::Tensor& input,
                                                             const std::vector<int64_t>& send_counts,
                                                             at::Tensor output,
                                                             const std::vector<int64_t>& recv_counts) = 0;

  // tensor of every rank := tensor of `root`.
  virtual void Broadcast(at::Tensor tensor, int root) = 0;
  virtual void Barrier() = 0;

  // Tells the peers that this rank has failed with `reason`, so that their waits end with a
  // CommunicationError that carries `code`. Not collective, returns at once, never throws.
  virtual void Abort(const std::string& reason, ExitCode code) noexcept = 0;

 protected:
  Communicator(int rank, int size, Options options) : rank_(rank), size_(size), options_(options) {}

 private:
  int rank_;
  int size_;
  Options options_;
  std::string phase_ = "start";
};

// True on every rank when `ok` is true on every rank. Collective. Check before a collective with this, never
// alone.
bool AllOk(Communicator& communicator, bool ok);
// `text` of rank `root`, on every rank. Collective.
std::string BroadcastText(Communicator& communicator, const std::string& text, int root = 0);
// The texts of all ranks in rank order, on every rank. Collective.
std::vector<std::string> AllGatherText(Communicator& communicator, const std::string& text);

}  // namespace ppr::dist
