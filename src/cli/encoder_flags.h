// Flags of the encoder, shared by the commands that make one: pretrain and bench.
#pragma once

#include "cli/flag_set.h"
#include "model/encoder_config.h"

namespace ppr::cli {

// With --preset, which a command applies with ApplyPreset (cli/presets.h).
FlagTopic EncoderTopic();
// From FLAGS_*; unknown names are added to the problems of `flags`.
model::EncoderConfig EncoderConfigFromFlags(FlagSet& flags);

}  // namespace ppr::cli
