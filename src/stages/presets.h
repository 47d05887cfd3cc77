// Defaults of known models, as changes to the settings that pretrain has by itself.
#pragma once

#include "stages/stage_config.h"

namespace ppr::stages {

void ApplyPreset(Preset preset, PretrainConfig* config);

}  // namespace ppr::stages
