// Lists and blanks in texts that people write: flags, flag files, lines of tables.
#pragma once

#include <string>
#include <vector>

namespace ppr::settings {

// Without blanks, tabs and line ends at both ends.
std::string Trimmed(const std::string& text);

// "a,b,c" -> {a, b, c}; blanks around commas and empty parts are dropped.
std::vector<std::string> SplitList(const std::string& text);
// {a, b, c} -> "a,b,c".
std::string JoinedList(const std::vector<std::string>& parts);

// Words between blanks; a part in single or double quotes keeps its blanks. A missing closing quote is a
// problem that names `where`.
std::vector<std::string> SplitWords(const std::string& text, const std::string& where,
                                    std::vector<std::string>& problems);

}  // namespace ppr::settings
