// Help texts: our flags by topic, with default and meaning; never the flags of the libraries we link.
#pragma once

#include <string>

#include "settings/flag_set.h"

namespace ppr::settings {

// The flags of one command, topic by topic.
std::string FlagHelp(const FlagSet& flags);

// `text` broken at blanks into lines of at most `width` characters, each after the first starting with
// `indent` blanks.
std::string Wrapped(const std::string& text, size_t indent, size_t width);

}  // namespace ppr::settings
