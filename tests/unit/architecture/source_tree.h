// The source tree as data: files with their text and includes.
#pragma once

#include <string>
#include <vector>

namespace ppr::architecture {

struct Include {
  int line = 0;
  std::string name;  // between the quotes or angle brackets
  bool own = false;  // in quotes
};

struct SourceFile {
  std::string path;  // from the root of the repository: "src/dist/mpi/mpi_session.cc"
  std::string text;
  std::vector<Include> includes;

  bool is_header() const { return path.ends_with(".h"); }
  // "dist" for src/dist/mpi/mpi_session.cc; "" outside src.
  std::string room() const;
};

SourceFile MakeSourceFile(std::string path, std::string text);
// All .h, .cc and CMakeLists.txt files below `folder` (from the root), sorted by path.
std::vector<SourceFile> ReadTree(const std::string& folder);

}  // namespace ppr::architecture
