// What this binary is made of, for bug reports.
#pragma once

#include <string>

namespace ppr::cli {

std::string VersionText();

}  // namespace ppr::cli
