// Headers compile alone: what they use, they include. A header is the first include of its own .cc file,
// which proves it where nothing is precompiled. Each other header without libtorch in its includes is
// compiled by itself; those with libtorch would cost three seconds each.
#include <gmock/gmock.h>

#include <cstdlib>
#include <map>
#include <set>

#include "source_tree.h"

namespace ppr::architecture {
namespace {

using ::testing::IsEmpty;

std::map<std::string, SourceFile> FilesByPath() {
  std::map<std::string, SourceFile> files;
  for (SourceFile& file : ReadTree("src")) files.emplace(file.path, file);
  return files;
}

// True when the header, or one it includes, needs more than the standard library and the system.
bool NeedsLibraries(const std::map<std::string, SourceFile>& files, const std::string& path) {
  const auto file = files.find(path);
  if (file == files.end()) return false;
  for (const Include& include : file->second.includes) {
    if (include.own
            ? NeedsLibraries(files, "src/" + include.name)
            : include.name.find_first_of("/.") != std::string::npos && !include.name.starts_with("sys/") &&
                  std::set<std::string>{"unistd.h", "fcntl.h", "immintrin.h"}.count(include.name) == 0) {
      return true;
    }
  }
  return false;
}

// True when the build itself compiles the header first in a file: in rooms without a precompiled header.
bool IsFirstInItsSource(const std::map<std::string, SourceFile>& files, const std::string& path) {
  if (!files.contains(path.substr(0, path.size() - 2) + ".cc")) return false;
  for (std::string folder = path.substr(0, path.rfind('/')); folder != "src";
       folder = folder.substr(0, folder.rfind('/'))) {
    const auto list = files.find(folder + "/CMakeLists.txt");
    if (list != files.end()) return list->second.text.find(" TORCH") == std::string::npos;
  }
  return false;
}

TEST(Headers, CompileAlone) {
  const std::map<std::string, SourceFile> files = FilesByPath();
  std::string command =
      std::string(PPR_CXX_COMPILER) + " -std=c++20 -fsyntax-only -I " + PPR_SOURCE_DIR "/src -x c++";
  int headers = 0;
  for (const auto& [path, file] : files) {
    if (!file.is_header() || NeedsLibraries(files, path) || IsFirstInItsSource(files, path)) continue;
    command += std::string(" ") + PPR_SOURCE_DIR + "/" + path;
    ++headers;
  }
  EXPECT_GT(headers, 10);
  // GCC warns of #pragma once in a main file, and has no flag against it.
  EXPECT_EQ(
      std::system(
          (command + " 2>&1 | grep -v 'pragma once' | grep -E 'error:|fatal' && exit 1 || exit 0").c_str()),
      0);
}

TEST(Headers, AreTheFirstIncludeOfTheirSource) {
  const std::map<std::string, SourceFile> files = FilesByPath();
  std::vector<std::string> breaches;
  for (const auto& [path, file] : files) {
    if (!file.is_header()) continue;
    const auto source = files.find(path.substr(0, path.size() - 2) + ".cc");
    if (source == files.end()) continue;
    const std::vector<Include>& includes = source->second.includes;
    if (includes.empty() || "src/" + includes.front().name != path) breaches.push_back(source->first);
  }
  EXPECT_THAT(breaches, IsEmpty());
}

}  // namespace
}  // namespace ppr::architecture
