#include "source_tree.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "base/durable_file.h"

namespace ppr::architecture {
namespace {

std::vector<Include> IncludesOf(const std::string& text) {
  std::vector<Include> includes;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (!line.starts_with("#include")) continue;
    const size_t open = line.find_first_of("\"<");
    const size_t close = open == std::string::npos ? open : line.find_first_of("\">", open + 1);
    if (close == std::string::npos) continue;
    includes.push_back({number, line.substr(open + 1, close - open - 1), line[open] == '"'});
  }
  return includes;
}

}  // namespace

std::string SourceFile::room() const {
  if (!path.starts_with("src/")) return "";
  const size_t end = path.find('/', 4);
  return end == std::string::npos ? "" : path.substr(4, end - 4);
}

SourceFile MakeSourceFile(std::string path, std::string text) {
  std::vector<Include> includes = IncludesOf(text);
  return {std::move(path), std::move(text), std::move(includes)};
}

std::vector<SourceFile> ReadTree(const std::string& folder) {
  const std::filesystem::path root = PPR_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".h") && !name.ends_with(".cc") && name != "CMakeLists.txt") continue;
    files.push_back(MakeSourceFile(std::filesystem::relative(entry.path(), root).string(),
                                   ReadWholeFile(entry.path().string())));
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace ppr::architecture
