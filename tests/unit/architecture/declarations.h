// What a file declares at the level of namespaces, and which functions it defines: found by braces and
// keywords, without a compiler. Enough for this tree's style; what it cannot know (macros that open braces)
// is not used here.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "source_tokens.h"

namespace ppr::architecture {

struct Function {
  std::string name;
  // Of its first and last token.
  int first_line = 0, last_line = 0;
};

struct Declarations {
  // Types, functions, constants, aliases, values of plain enumerations and macros that others may use. Not
  // those of which only a promise is given ("class Communicator;"), and no members.
  std::set<std::string> names;
  // With bodies; members and those of local namespaces too, without lambdas.
  std::vector<Function> functions;
};

Declarations DeclarationsOf(const Tokens& tokens);

}  // namespace ppr::architecture
