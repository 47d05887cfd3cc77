// C++ text as tokens: what rules need that ask about names and braces. Comments are left out, literals are
// blanked.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace ppr::architecture {

enum class TokenKind { kName, kNumber, kLiteral, kSign };

struct Token {
  TokenKind kind = TokenKind::kSign;
  // A name, or one sign ("::" and "->" count as one sign); empty for literals.
  std::string text;
  int line = 0;
};

struct Tokens {
  // The program, without lines of the preprocessor.
  std::vector<Token> program;
  // The names that #define gives a meaning, in the order of the text.
  std::vector<Token> macros;
  // Every name in the program, in the bodies of macros and in conditions of the preprocessor; not in
  // #include.
  std::set<std::string> names;
};

Tokens TokensOf(const std::string& text);

}  // namespace ppr::architecture
