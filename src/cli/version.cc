#include "cli/version.h"

#include <torch/version.h>

#include "base/text_format.h"

namespace ppr::cli {

std::string VersionText() {
  return Format("ppr %s (%s)\nlibtorch %s\ncompiler %s\n", PPR_VERSION, PPR_BUILD_TYPE, TORCH_VERSION,
                __VERSION__);
}

}  // namespace ppr::cli
