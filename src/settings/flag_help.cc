#include "settings/flag_help.h"

#include <sstream>

namespace ppr::settings {
namespace {

constexpr size_t kLineWidth = 110;
constexpr size_t kMeaningColumn = 34;

std::string TypeName(FlagType type) {
  switch (type) {
    case FlagType::kBool:
      return "";
    case FlagType::kDouble:
      return "=NUMBER";
    case FlagType::kString:
      return "=TEXT";
    default:
      return "=INTEGER";
  }
}

std::string HelpOf(const FlagDeclaration& flag) {
  std::string head =
      "  --" + std::string(flag.type == FlagType::kBool ? "[no]" : "") + flag.name + TypeName(flag.type);
  if (head.size() + 1 < kMeaningColumn) {
    head.resize(kMeaningColumn, ' ');
  } else {
    head += "\n" + std::string(kMeaningColumn, ' ');
  }
  const std::string shown = flag.default_value.empty() ? "none" : flag.default_value;
  return head + Wrapped(flag.description + " (default: " + shown + ")", kMeaningColumn, kLineWidth) + "\n";
}

}  // namespace

std::string Wrapped(const std::string& text, size_t indent, size_t width) {
  std::istringstream words(text);
  std::string wrapped, word;
  size_t column = indent;
  while (words >> word) {
    if (column > indent && column + 1 + word.size() > width) {
      wrapped.append(1, '\n').append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      wrapped += ' ';
      ++column;
    }
    wrapped += word;
    column += word.size();
  }
  return wrapped;
}

std::string FlagHelp(const FlagSet& flags) {
  std::string text;
  for (const FlagTopic& topic : flags.topics()) {
    text += "\n" + topic.title + ":\n";
    for (const FlagDeclaration& flag : topic.flags) text += HelpOf(flag);
  }
  text +=
      "\nEvery command:\n"
      "  --flagfile=PATH                 read flags from a file, one a line; the command line wins over it\n"
      "  --print_config                  print every setting and where it comes from, and stop\n"
      "  -h, --help                      this text\n"
      "  --helpfull                      also the flags of the libraries inside, which ppr does not take\n";
  return text;
}

}  // namespace ppr::settings
