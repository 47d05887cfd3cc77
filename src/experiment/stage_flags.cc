#include "experiment/stage_flags.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>
#include <string_view>

#include "base/durable_file.h"
#include "base/errors.h"

namespace ppr::experiment {
namespace {

constexpr const char* kBlanks = " \t\r\n";
constexpr std::string_view kFlagFile = "--flagfile=";

std::string Trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(kBlanks);
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// With these a stage would end well and leave nothing.
constexpr std::array<std::string_view, 4> kNoWork = {"help", "helpfull", "print_config", "flagfile"};

void AddFlag(const std::string& word, const std::string& where, StageFlags& flags,
             std::vector<std::string>& problems) {
  if (!word.starts_with("--") || word.size() == 2 || word[2] == '=') {
    problems.push_back(where + ": expected flags as --name=value, found \"" + word + "\"");
    return;
  }
  const size_t equals = word.find('=');
  const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
  if (std::find(kNoWork.begin(), kNoWork.end(), name) != kNoWork.end()) {
    problems.push_back(where + ": expected flags that say what a stage does, as --name=value, found \"" +
                       word + "\"");
    return;
  }
  if (equals != std::string::npos) {
    flags[name] = word.substr(equals + 1);
  } else if (word.starts_with("--no")) {
    flags[name.substr(2)] = "false";
  } else {
    flags[name] = "true";
  }
}

void ReadInto(const std::string& path, std::vector<std::string>& open_files, StageFlags& flags,
              std::vector<std::string>& problems);

// A flag, or the flags of a file: relative to `folder`, unless its path is absolute.
void AddWord(const std::string& word, const std::string& where, const std::filesystem::path& folder,
             std::vector<std::string>& open_files, StageFlags& flags, std::vector<std::string>& problems) {
  if (word.starts_with(kFlagFile)) {
    ReadInto((folder / word.substr(kFlagFile.size())).string(), open_files, flags, problems);
  } else {
    AddFlag(word, where, flags, problems);
  }
}

void ReadInto(const std::string& path, std::vector<std::string>& open_files, StageFlags& flags,
              std::vector<std::string>& problems) {
  if (std::find(open_files.begin(), open_files.end(), path) != open_files.end()) {
    problems.push_back(path + ": the file includes itself");
    return;
  }
  std::string contents;
  try {
    contents = ReadWholeFile(path);
  } catch (const StorageError& error) {
    problems.push_back(error.what());
    return;
  }
  open_files.push_back(path);
  std::istringstream lines(contents);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    line = Trimmed(line);
    if (line.empty() || line.front() == '#') continue;
    AddWord(line, path + ":" + std::to_string(number), std::filesystem::path(path).parent_path(), open_files,
            flags, problems);
  }
  open_files.pop_back();
}

}  // namespace

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
    } else if (std::string_view(kBlanks).find(c) != std::string_view::npos) {
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

std::vector<std::string> SplitCommas(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) {
    part = Trimmed(part);
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

StageFlags ParseStageFlags(const std::string& text, const std::string& where,
                           std::vector<std::string>& problems) {
  StageFlags flags;
  std::vector<std::string> open_files;
  for (const std::string& word : SplitWords(text, where, problems))
    AddWord(word, where, "", open_files, flags, problems);
  return flags;
}

StageFlags ReadStageFlagFile(const std::string& path, std::vector<std::string>& problems) {
  StageFlags flags;
  std::vector<std::string> open_files;
  ReadInto(path, open_files, flags, problems);
  return flags;
}

StageFlags Merged(StageFlags flags, const StageFlags& winning) {
  for (const auto& [name, value] : winning) flags[name] = value;
  return flags;
}

}  // namespace ppr::experiment
