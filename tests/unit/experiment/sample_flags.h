// A sub-command's flags for tests: those of these names, booleans and texts.
#pragma once

#include <string>
#include <vector>

#include "settings/flag_set.h"

namespace ppr::experiment {

inline settings::FlagSet SampleFlags(const std::string& command = "tune") {
  settings::FlagTopic topic{"All", {}, true};
  for (const char* const name : {"b", "c"})
    topic.flags.push_back({name, settings::FlagType::kBool, "false", "A switch", ""});
  for (const char* const name :
       {"a", "d", "e", "shots", "dropout", "norm", "interactions", "users", "protocol"}) {
    topic.flags.push_back({name, settings::FlagType::kString, "", "A text", ""});
  }
  return settings::FlagSet(command, {topic}, {});
}

}  // namespace ppr::experiment
