// Flags of one stage as text by name: sorted, each once, so that equal settings are equal values.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "settings/flag_set.h"

namespace ppr::experiment {

using StageFlags = std::map<std::string, std::string>;

// The flags in a text, as words of a command line whose command takes `known`: of a name given twice the
// later wins, and
// --flagfile=PATH stands for the flags in that file, so that its contents count, not its name. Problems are
// added to `problems` and name `where`.
StageFlags ParseStageFlags(const std::string& text, const std::string& where, const settings::FlagSet& known,
                           std::vector<std::string>& problems);
// The flags of a flag file.
StageFlags ReadStageFlagFile(const std::string& path, const settings::FlagSet& known,
                             std::vector<std::string>& problems);

// All of both; `winning` decides where both have a name.
StageFlags Merged(StageFlags flags, const StageFlags& winning);

}  // namespace ppr::experiment
