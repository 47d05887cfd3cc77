// MPI of this process: started first in main, ended last. The only way into MPI; <mpi.h> stays in this
// folder.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "dist/communicator.h"

namespace ppr::dist {

// True when a launcher started this process as one of several ranks, read from the environment; no MPI call
// is made. mpirun and prterun tell the size in OMPI_COMM_WORLD_SIZE, MPICH's launchers in PMI_SIZE, srun in
// SLURM_STEP_NUM_TASKS. SLURM_NTASKS and SLURM_PROCID count for nothing: a plain command in a batch script
// sees them too, and is not a rank. PMIX_RANK alone (another PMIx launcher) counts as launched.
bool LaunchedByMpi();

class MpiSession {
 public:
  // MPI counts are int; at 2^28 a transfer of float64 or of wide rows is far from that limit in bytes as
  // well.
  static constexpr int64_t kDefaultMaxTransfer = int64_t{1} << 28;

  // MPI_Init_thread; sets the errors-return handler on the world first of all. Throws CommunicationError,
  // also when the launcher started several tasks but MPI sees only this one (srun without --mpi=pmix).
  MpiSession();
  // Finalizes; when the stack is unwinding from an exception it aborts the job instead, since a finalize
  // would wait for ranks that may never come.
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  // A communicator over a duplicate of the world. Collective. The session must outlive it, and its calls come
  // from the thread that made the session. One MPI call moves at most `max_transfer` elements or rows; longer
  // transfers are split.
  // With PPR_CHECK_COLLECTIVES=1 in the environment (of all ranks) each collective first compares what the
  // ranks call, and a mismatch is named: for tests and for hunting bugs, at the price of one more round of
  // messages per call.
  std::unique_ptr<Communicator> MakeWorldCommunicator(Communicator::Options options,
                                                      int64_t max_transfer = kDefaultMaxTransfer);
  // Rank among those on this node.
  int local_rank() const { return local_rank_; }
  // Ends all ranks of the job with `exit_code`. Does not return.
  [[noreturn]] void AbortJob(int exit_code) noexcept;

 private:
  int uncaught_at_start_;
  int local_rank_ = 0;
};

}  // namespace ppr::dist
