// Flags of the libraries that ppr is linked with, which it does not take: for --helpfull.
#pragma once

#include <string>

namespace ppr::cli {

std::string HelpOfLibraryFlags();

}  // namespace ppr::cli
