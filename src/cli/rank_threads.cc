#include "cli/rank_threads.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/errors.h"

namespace ppr::cli {
namespace {

cpu_set_t AllowedCores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  PPR_BUG_IF_NOT(sched_getaffinity(0, sizeof(cores), &cores) == 0, "sched_getaffinity failed");
  return cores;
}

// "host:110000..." one digit a core.
std::string Placement(const cpu_set_t& cores) {
  char host[256] = "";
  PPR_BUG_IF_NOT(gethostname(host, sizeof(host) - 1) == 0, "gethostname failed");
  std::string text = std::string(host) + ":";
  for (int core = 0; core < CPU_SETSIZE; ++core) text += CPU_ISSET(core, &cores) ? '1' : '0';
  return text;
}

}  // namespace

int FairThreads(dist::Communicator& communicator) {
  const cpu_set_t cores = AllowedCores();
  const std::string mine = Placement(cores);
  const std::vector<std::string> all = dist::AllGatherText(communicator, mine);
  const auto sharing = static_cast<int>(std::count(all.begin(), all.end(), mine));
  return std::max(1, CPU_COUNT(&cores) / std::max(1, sharing));
}

}  // namespace ppr::cli
