// How an encoder is computed.
#pragma once

#include "settings/settings.h"

namespace ppr::model {

// By the fused CPU kernels where they can run it (auto), by them or not at all, or by the reference in ATen
// operators. Changes results by rounding only.
enum class ComputePath { kAuto, kFused, kReference };

const settings::NameTable<ComputePath>& NamesOf(ComputePath);
void Describe(settings::Settings& settings, ComputePath& path);

}  // namespace ppr::model
