#include "settings/text_lists.h"

#include <sstream>
#include <string_view>

namespace ppr::settings {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

}  // namespace

std::string Trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(kBlanks);
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string> SplitList(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) {
    part = Trimmed(part);
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

std::string JoinedList(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

std::vector<std::string> SplitWords(const std::string& text, const std::string& where,
                                    std::vector<std::string>& problems) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (const char c : text) {
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        words.back() += c;
      }
    } else if (kBlanks.find(c) != std::string_view::npos) {
      in_word = false;
    } else {
      if (!in_word) words.emplace_back();
      in_word = true;
      if (c == '"' || c == '\'') {
        quote = c;
      } else {
        words.back() += c;
      }
    }
  }
  if (quote != 0) problems.push_back(where + ": expected a closing " + quote + ", found the end of the text");
  return words;
}

}  // namespace ppr::settings
