// Where FlagSet meets gflags: DEFINE_* declare the flags, FlagSet decides their values, FLAGS_* hold them
// afterwards.
#pragma once

#include <string>
#include <vector>

#include "cli/flag_set.h"

namespace ppr::cli {

// A gflag that a command takes; `default_value` where this command's default differs from the declared one.
struct FlagUse {
  std::string name;
  std::string default_value = "";
};

FlagTopic TopicFromGflags(const std::string& title, const std::vector<FlagUse>& uses, bool stored = true);

// Sets FLAGS_* to the values in force. Values that were refused keep the default.
void StoreInGflags(const FlagSet& flags);

// Every flag of every library in this process, for --helpfull.
std::string HelpOfAllGflags();

}  // namespace ppr::cli
