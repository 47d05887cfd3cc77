// MPI of this process: started first in main, ended last. The only way into MPI; <mpi.h> stays in the .cc files here.
#pragma once

#include <memory>
#include <string>

#include "dist/communicator.h"

namespace ppr::dist {

// True when a launcher (mpirun, srun with PMIx or PMI) started this process as one of several ranks, read from the
// environment; no MPI call is made.
bool LaunchedByMpi();

class MpiSession {
 public:
  // MPI_Init_thread; sets the errors-return handler on the world first of all. Throws CommunicationError.
  MpiSession();
  // Finalizes; when the stack is unwinding from an exception it aborts the job instead, since a finalize would wait for
  // ranks that may never come.
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  // A communicator over a duplicate of the world. Collective. The session must outlive it.
  std::unique_ptr<Communicator> MakeWorldCommunicator(Communicator::Options options);
  int local_rank() const { return local_rank_; }
  // Ends all ranks of the job with `exit_code`. Does not return.
  [[noreturn]] void AbortJob(int exit_code) noexcept;

 private:
  int uncaught_at_start_;
  int local_rank_ = 0;
};

}  // namespace ppr::dist
