#include "dist/mpi/mpi_session.h"

#include <mpi.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>

#include "base/errors.h"
#include "base/text_format.h"
#include "dist/mpi/mpi_check.h"
#include "dist/mpi/mpi_communicator.h"

namespace ppr::dist {
namespace {

// MPI_Abort talks to the launcher, which may be gone: past this the process ends by itself.
constexpr unsigned kAbortPatienceSeconds = 5;

// The number of ranks that the launcher started, or 0 when it does not say.
int LaunchedSize() {
  // Open MPI first: under its mpirun inside a Slurm job, Slurm's variables speak of Open MPI's daemons.
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    const char* value = std::getenv(name);
    if (value != nullptr) return std::atoi(value);
  }
  return 0;
}

int RankOf(MPI_Comm handle) {
  int rank = 0;
  PPR_MPI_CHECK(MPI_Comm_rank(handle, &rank), "asking MPI for the rank");
  return rank;
}

int SizeOf(MPI_Comm handle) {
  int size = 0;
  PPR_MPI_CHECK(MPI_Comm_size(handle, &size), "asking MPI for the number of ranks");
  return size;
}

int RankOnThisNode() {
  MPI_Comm node = MPI_COMM_NULL;
  PPR_MPI_CHECK(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
                "finding the ranks of this node");
  const int local_rank = RankOf(node);
  PPR_MPI_CHECK(MPI_Comm_free(&node), "finding the ranks of this node");
  return local_rank;
}

}  // namespace

bool LaunchedByMpi() {
  const int size = LaunchedSize();
  return size > 1 || (size == 0 && std::getenv("PMIX_RANK") != nullptr);
}

MpiSession::MpiSession() : uncaught_at_start_(std::uncaught_exceptions()) {
  int started = 0;
  PPR_MPI_CHECK(MPI_Initialized(&started), "starting MPI");
  PPR_BUG_IF_NOT(started == 0, "MPI was started before: one MpiSession per process");
  int provided = MPI_THREAD_SINGLE;
  PPR_MPI_CHECK(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "starting MPI");
  PPR_MPI_CHECK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "starting MPI");
  if (provided < MPI_THREAD_FUNNELED) {
    throw CommunicationError(
        "this MPI library has no thread support (MPI_THREAD_FUNNELED); use one that has");
  }
  if (LaunchedSize() > 1 && SizeOf(MPI_COMM_WORLD) == 1) {
    throw CommunicationError(Format(
        "the launcher started %d tasks but MPI sees one: they would train apart. With srun use --mpi=pmix; "
        "with mpirun use the one of the MPI library that ppr was built with",
        LaunchedSize()));
  }
  local_rank_ = RankOnThisNode();
}

MpiSession::~MpiSession() {
  if (std::uncaught_exceptions() > uncaught_at_start_) AbortJob(static_cast<int>(ExitCode::kInternal));
  PPR_MPI_CHECK_NOTHROW(MPI_Finalize());
}

std::unique_ptr<Communicator> MpiSession::MakeWorldCommunicator(Communicator::Options options,
                                                                int64_t max_transfer) {
  PPR_BUG_IF_NOT(max_transfer >= 1, "MakeWorldCommunicator: max_transfer must be positive");
  // A duplicate, so that our messages meet nobody else's on the world; it inherits the errors-return handler.
  MPI_Comm handle = MPI_COMM_NULL;
  PPR_MPI_CHECK(MPI_Comm_dup(MPI_COMM_WORLD, &handle), "duplicating the world communicator");
  return std::make_unique<MpiCommunicator>(handle, RankOf(handle), SizeOf(handle), options, max_transfer);
}

void MpiSession::AbortJob(int exit_code) noexcept {
  std::signal(SIGALRM, SIG_DFL);
  alarm(kAbortPatienceSeconds);
  PPR_MPI_CHECK_NOTHROW(MPI_Abort(MPI_COMM_WORLD, exit_code));
  _exit(exit_code);
}

}  // namespace ppr::dist
