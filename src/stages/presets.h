// Defaults of known models, as statements about the settings of pretrain.
#pragma once

#include <vector>

#include "stages/stage_config.h"

namespace ppr::stages {

// Gives the preset's values to `config`. Returns the addresses of the fields that it speaks of, those among
// them that it leaves at their defaults too.
std::vector<const void*> ApplyPreset(Preset preset, PretrainConfig* config);

}  // namespace ppr::stages
