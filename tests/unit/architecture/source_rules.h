// The rules of docs/architecture.md, as functions from one source file to its breaches ("path:line: what").
#pragma once

#include <string>
#include <vector>

#include "source_tree.h"

namespace ppr::architecture {

// Libraries stay in the rooms that wrap them.
std::vector<std::string> LibraryBreaches(const SourceFile& file);
// The room of a file, as ArrowBreaches takes it: "data/input" for "data/input/row_filter.h", "dist" for
// "dist/mpi/mpi_session.h".
std::string RoomOf(const std::string& path_in_src);
// Arrows between rooms point one way.
std::vector<std::string> ArrowBreaches(const SourceFile& file);
// Files are short, or their head says why not.
std::vector<std::string> LongFiles(const SourceFile& file);
// Headers open with their purpose and are guarded; nothing is left to do; threads come from ATen.
std::vector<std::string> FormBreaches(const SourceFile& file);
// Functions fit a screen: 50 lines, from the first of the signature.
std::vector<std::string> LongFunctions(const SourceFile& file);
// Every .cc file is built by the CMakeLists.txt of its folder, or of one above it.
std::vector<std::string> UnbuiltFiles(const std::vector<SourceFile>& files);

}  // namespace ppr::architecture
