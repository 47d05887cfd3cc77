// Signals that ask to stop set a flag and kill nothing.
#include "base/stop_request.h"

#include <gtest/gtest.h>

#include <csignal>

namespace ppr {
namespace {

TEST(StopRequest, EachSignalIsRemembered) {
  InstallStopHandlers();
  SetStopRequested(0);
  EXPECT_EQ(StopRequested(), 0);
  for (const int signal_number : {SIGTERM, SIGUSR1, SIGUSR2}) {
    SetStopRequested(0);
    raise(signal_number);
    EXPECT_EQ(StopRequested(), signal_number);
  }
  SetStopRequested(0);
}

}  // namespace
}  // namespace ppr
