// Flags of one stage as text by name: sorted, each once, so that equal settings are equal values.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace ppr::experiment {

using StageFlags = std::map<std::string, std::string>;

// Words between blanks; a part in single or double quotes keeps its blanks. Problems are added to `problems`
// and name `where`.
std::vector<std::string> SplitWords(const std::string& text, const std::string& where,
                                    std::vector<std::string>& problems);
// "a,b,c" without blanks around commas and without empty parts.
std::vector<std::string> SplitCommas(const std::string& text);

// "--name=value --switch --noswitch": a switch is "true" or "false"; of a name given twice the later wins.
// --flagfile=PATH stands for the flags in that file, so that its contents count, not its name.
StageFlags ParseStageFlags(const std::string& text, const std::string& where,
                           std::vector<std::string>& problems);
// A flag file: one flag a line, '#' comments, nested --flagfile relative to the including file.
StageFlags ReadStageFlagFile(const std::string& path, std::vector<std::string>& problems);

// All of both; `winning` decides where both have a name.
StageFlags Merged(StageFlags flags, const StageFlags& winning);

}  // namespace ppr::experiment
