#include "cli/library_flags.h"

#include <gflags/gflags.h>

#include <vector>

namespace ppr::cli {

std::string HelpOfLibraryFlags() {
  std::vector<gflags::CommandLineFlagInfo> all;
  gflags::GetAllFlags(&all);
  std::string text;
  for (const gflags::CommandLineFlagInfo& info : all) text += gflags::DescribeOneFlag(info);
  return text;
}

}  // namespace ppr::cli
