// Enumerations given as text: the value of that name, or a problem with the list of names and the nearest
// one.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/nearest_name.h"
#include "cli/flag_set.h"

namespace ppr::cli {

// The value that flag `name` spells, looked up in `table` of (name, value); the first of the table when it is
// unknown, which is then added to the problems of `flags`.
template <typename Value>
Value Choose(FlagSet& flags, const std::string& name,
             const std::vector<std::pair<std::string, Value>>& table) {
  std::vector<std::string> known;
  std::string list;
  for (const auto& [spelling, value] : table) {
    if (flags.value(name) == spelling) return value;
    known.push_back(spelling);
    list += (list.empty() ? "" : ", ") + spelling;
  }
  flags.AddProblems({name + ": expected one of " + list + ", found \"" + flags.value(name) + "\"" +
                     DidYouMean(flags.value(name), known)});
  return table.front().second;
}

// "a,b,c" -> {a, b, c}; blanks around commas and empty parts are dropped.
std::vector<std::string> SplitList(const std::string& text);

}  // namespace ppr::cli
