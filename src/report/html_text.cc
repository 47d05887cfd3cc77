#include "report/html_text.h"

namespace ppr::report {
namespace {

std::string EscapedCharacter(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    case '\t':
    case '\n':
    case '\r':
      return " ";
    default: {
      const auto byte = static_cast<unsigned char>(c);
      return byte < 0x20 || byte == 0x7F ? "\uFFFD" : std::string(1, c);
    }
  }
}

}  // namespace

std::string HtmlEscaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += EscapedCharacter(c);
  return escaped;
}

}  // namespace ppr::report
