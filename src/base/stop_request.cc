#include "base/stop_request.h"

#include <csignal>

#include "base/errors.h"

namespace ppr {
namespace {

// The only thing a signal handler may touch.
volatile std::sig_atomic_t stop_signal = 0;

void OnSignal(int signal_number) { stop_signal = signal_number; }

}  // namespace

void InstallStopHandlers() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (int signal_number : {SIGTERM, SIGUSR1, SIGUSR2}) {
    PPR_BUG_IF_NOT(sigaction(signal_number, &action, nullptr) == 0, "sigaction failed");
  }
}

int StopRequested() noexcept { return stop_signal; }
void SetStopRequested(int signal_number) noexcept { stop_signal = signal_number; }

}  // namespace ppr
