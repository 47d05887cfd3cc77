// An MPI job that fails in the way its argument names; started by mpi_job_test.cc under mpirun. It behaves as
// the ppr binary does: an error that reaches main ends the whole job.
#include <ATen/ATen.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "base/errors.h"
#include "dist/mpi/mpi_session.h"

namespace ppr::dist {
namespace {

// Rank 1 fails in the way asked for while the others wait for it in a barrier.
void FailOnRankOne(MpiSession& session, Communicator& communicator, const std::string& how) {
  communicator.set_phase("step 12");
  if (communicator.rank() == 1) {
    if (how == "abort") session.AbortJob(static_cast<int>(ExitCode::kBadData));
    if (how == "throw" || how == "dawdle") throw DataError("row 7 of clicks.csv is broken");
    if (how == "killed") std::raise(SIGKILL);
    if (how == "silent") std::this_thread::sleep_for(std::chrono::minutes(10));
  }
  communicator.Barrier();
}

int Run(const std::string& how) {
  MpiSession session;
  const std::unique_ptr<Communicator> communicator =
      session.MakeWorldCommunicator({.deadline = std::chrono::milliseconds(how == "silent" ? 300 : 30'000)});
  if (how == "unwinding") {
    // Nobody catches inside the session's life: its destructor must end the job, not wait in a finalize.
    if (communicator->rank() == 1) throw DataError("unwound through the session");
    communicator->Barrier();
  }
  try {
    FailOnRankOne(session, *communicator, how);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    communicator->Abort(error.what(), error.code());
    if (how == "dawdle" && communicator->rank() == 1) std::this_thread::sleep_for(std::chrono::seconds(2));
    session.AbortJob(static_cast<int>(error.code()));
  }
  return 0;
}

}  // namespace
}  // namespace ppr::dist

int main(int argc, char** argv) {
  try {
    return ppr::dist::Run(argc > 1 ? argv[1] : "well");
  } catch (const ppr::Error& error) {
    std::fprintf(stderr, "reached main: %s\n", error.what());
    return 1;
  }
}
