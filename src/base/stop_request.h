// A polite request to stop (SIGTERM, SIGUSR1, SIGUSR2): the handler sets a flag, the step loop reads it,
// agrees on it with all ranks in the step's own reduction, commits a checkpoint and ends with exit code 85.
#pragma once

namespace ppr {

// Installs the handlers. Call once from main, after glog's (which would turn SIGTERM into a crash).
void InstallStopHandlers();
// The signal that asked, or 0.
int StopRequested() noexcept;
// For tests and for in-process runs.
void SetStopRequested(int signal_number) noexcept;

}  // namespace ppr
