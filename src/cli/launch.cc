#include "cli/launch.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>

#include "base/stop_request.h"
#include "cli/failure.h"
#include "cli/rank_threads.h"
#include "cli/run_folder_guard.h"
#include "dist/local/local_communicator.h"
#include "dist/mpi/mpi_session.h"

#include "base/logging.h"

namespace ppr::cli {
namespace {

// Errors of input and flags are met by all ranks alike. Rank 0 reports at once and ends the job; the launcher
// has killed the others (SIGKILL 2 s after an abort) before they repeat it. One that is still alive then has
// an error of its own.
constexpr std::chrono::seconds kLetRankZeroReport{4};

dist::Communicator::Options OptionsOf(const LaunchRequest& request) {
  return {.deadline =
              std::chrono::milliseconds(static_cast<int64_t>(request.settings.deadline_seconds * 1e3))};
}

// Where and why the first failing rank failed.
struct RankFailure {
  Failure failure;
  int rank = 0;
  std::string phase;
};

// Settings of this process and thread that all numeric work relies on.
void PrepareThisRank(dist::Communicator& communicator, const LaunchRequest& request) {
  const int fair_threads = FairThreads(communicator);
  at::set_num_threads(request.settings.threads > 0 ? request.settings.threads : fair_threads);
  // Moments and gradients that decay to denormals would slow the step tenfold.
  at::globalContext().setFlushDenormal(true);
  LOG(INFO) << "ppr " << request.command << ", rank " << communicator.rank() << " of " << communicator.size()
            << ", process " << getpid() << ", " << at::get_num_threads() << " threads";
}

void StartLogsAndSignals(const LaunchRequest& request, int rank) {
  if (!request.job.run_folder.empty()) {
    StartLogging("ppr", request.job.run_folder + "/logs", rank);
  } else {
    // Nowhere to keep a log: warnings go to stderr, the rest nowhere.
    FLAGS_logtostderr = true;
    FLAGS_minloglevel = google::GLOG_WARNING;
    google::InitGoogleLogging("ppr");
  }
  if (request.job.stops_on_request) InstallStopHandlers();
}

// The job on this rank; prints its text on rank 0.
void RunRank(dist::Communicator& communicator, const LaunchRequest& request) {
  PrepareThisRank(communicator, request);
  const std::string text = request.job.run(communicator);
  if (communicator.rank() == 0) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
  }
}

// True for failures of what was given, after which a folder with nothing but a log would only be in the way.
bool IsRefusal(ExitCode code) {
  return code == ExitCode::kUsage || code == ExitCode::kBadData || code == ExitCode::kStorage;
}

void Report(const LaunchRequest& request, const RankFailure& found, int world_size) {
  const std::string line = FailureLine(request.command, found.rank, world_size, found.phase, found.failure);
  if (google::IsGoogleLoggingInitialized())
    LOG(INFO) << "exit code " << static_cast<int>(found.failure.code) << ": " << line;
  PrintToStderr(line);
}

int LaunchInProcess(const LaunchRequest& request) {
  if (!request.problems.empty()) {
    PrintToStderr(RefusalText(request.command, request.problems));
    return static_cast<int>(ExitCode::kUsage);
  }
  const RunFolderGuard guard(request.job.run_folder);
  const int world_size = std::max(1, request.settings.local_ranks);
  std::mutex mutex;
  std::optional<RankFailure> first;
  const auto body = [&](dist::Communicator& communicator) {
    try {
      RunRank(communicator, request);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!first) first = RankFailure{DescribeCurrentException(), communicator.rank(), communicator.phase()};
      throw;
    }
  };
  try {
    StartLogsAndSignals(request, 0);
    if (world_size == 1) {
      body(*dist::MakeSingleRankCommunicator());
    } else {
      dist::RunLocalRanks(world_size, OptionsOf(request), body);
    }
    return static_cast<int>(ExitCode::kDone);
  } catch (...) {
    if (!first) first = RankFailure{DescribeCurrentException(), 0, "start"};
  }
  Report(request, *first, world_size);
  if (IsRefusal(first->failure.code)) guard.Withdraw();
  return static_cast<int>(first->failure.code);
}

// The first line in which two texts differ, for messages.
std::pair<std::string, std::string> FirstDifference(const std::string& a, const std::string& b) {
  std::istringstream lines_a(a), lines_b(b);
  std::string line_a, line_b;
  do {
    if (!std::getline(lines_a, line_a)) line_a = "nothing";
    if (!std::getline(lines_b, line_b)) line_b = "nothing";
  } while (line_a == line_b && line_a != "nothing");
  return {line_a, line_b};
}

// Collective. What stands against starting, the same on every rank; "" when nothing does.
std::string AgreedRefusal(dist::Communicator& communicator, const LaunchRequest& request) {
  const std::string mine = request.problems.empty() ? "" : RefusalText(request.command, request.problems);
  std::map<std::string, std::string> ranks_of;  // text -> "0, 2"
  const std::vector<std::string> all = dist::AllGatherText(communicator, mine);
  for (size_t rank = 0; rank < all.size(); ++rank) {
    if (all[rank].empty()) continue;
    std::string& ranks = ranks_of[all[rank]];
    ranks += (ranks.empty() ? "" : ", ") + std::to_string(rank);
  }
  std::string text;
  for (const auto& [refusal, ranks] : ranks_of) {
    text += refusal;
    if (ranks_of.size() > 1 || all.front().empty()) text += "  (on rank " + ranks + ")\n";
  }
  if (!text.empty()) return text;
  const std::vector<std::string> flags = dist::AllGatherText(communicator, request.resolved_flags);
  for (size_t rank = 1; rank < flags.size(); ++rank) {
    if (flags[rank] == flags[0]) continue;
    const auto [expected, found] = FirstDifference(flags[0], flags[rank]);
    return RefusalText(request.command,
                       {"ranks were started with different flags: expected " + expected +
                        " as on rank 0, found " + found + " on rank " + std::to_string(rank)});
  }
  return "";
}

int RunUnderMpi(dist::MpiSession& session, const LaunchRequest& request) {
  const RunFolderGuard guard(request.job.run_folder);
  const std::unique_ptr<dist::Communicator> communicator = session.MakeWorldCommunicator(OptionsOf(request));
  const int rank = communicator->rank();
  RankFailure found{.failure = {}, .rank = rank, .phase = "start"};
  try {
    const std::string refusal = AgreedRefusal(*communicator, request);
    if (!refusal.empty()) {
      if (rank == 0) PrintToStderr(refusal);
      return static_cast<int>(ExitCode::kUsage);
    }
    StartLogsAndSignals(request, rank);
    RunRank(*communicator, request);
    return static_cast<int>(ExitCode::kDone);
  } catch (...) {
    found.failure = DescribeCurrentException();
    found.phase = communicator->phase();
  }
  const bool all_stop = found.failure.code == ExitCode::kStoppedOnRequest;
  if (rank == 0) {
    Report(request, found, communicator->size());
    if (IsRefusal(found.failure.code)) guard.Withdraw();
  } else if (!all_stop) {
    std::this_thread::sleep_for(kLetRankZeroReport);
    Report(request, found, communicator->size());
  }
  if (!all_stop) session.AbortJob(static_cast<int>(found.failure.code));
  return static_cast<int>(found.failure.code);
}

int LaunchUnderMpi(const LaunchRequest& request) {
  try {
    dist::MpiSession session;
    try {
      return RunUnderMpi(session, request);
    } catch (...) {
      const Failure failure = DescribeCurrentException();
      PrintToStderr(FailureLine(request.command, 0, 1, "start", failure));
      session.AbortJob(static_cast<int>(failure.code));
    }
  } catch (...) {
    const Failure failure = DescribeCurrentException();
    PrintToStderr(FailureLine(request.command, 0, 1, "start", failure));
    return static_cast<int>(failure.code);
  }
}

}  // namespace

int Launch(const LaunchRequest& request) {
  if (!dist::LaunchedByMpi()) return LaunchInProcess(request);
  LaunchRequest checked = request;
  if (!request.on_ranks) {
    checked.problems.push_back("ppr " + request.command +
                               " runs as one process: expected a start without mpirun or srun");
  }
  if (request.settings.local_ranks > 0) {
    checked.problems.push_back("--local_ranks: expected 0 under mpirun or srun, found " +
                               std::to_string(request.settings.local_ranks));
  }
  return LaunchUnderMpi(checked);
}

}  // namespace ppr::cli
