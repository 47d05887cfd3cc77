#include "model/compute_path.h"

namespace ppr::model {

const settings::NameTable<ComputePath>& NamesOf(ComputePath) {
  static const settings::NameTable<ComputePath> names = {
      {"auto", ComputePath::kAuto}, {"fused", ComputePath::kFused}, {"reference", ComputePath::kReference}};
  return names;
}

void Describe(settings::Settings& settings, ComputePath& path) {
  settings.Add(
      &path,
      {.flag = "compute",
       .help = "The encoder's path: auto (fused CPU kernels where they can run it), fused, or reference "
               "(plain libtorch operators); results differ by rounding",
       .stored = false});
}

}  // namespace ppr::model
