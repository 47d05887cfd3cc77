// What a file includes it uses, and what it includes makes no circles: rules about the whole tree.
#pragma once

#include <string>
#include <vector>

#include "source_tree.h"

namespace ppr::architecture {

// Own includes ("room/x.h") of which the file mentions no name that the header declares. A source may always
// include its own header. Uses that no name shows are excused by a comment behind the include: "// for
// <what>".
std::vector<std::string> UnusedIncludes(const std::vector<SourceFile>& files);

// Rooms that see each other, directly or through others, by the includes as they are: "a -> b -> a".
std::vector<std::string> RoomCircles(const std::vector<SourceFile>& files);

// Rooms that hold more than `most_share` of the lines of src.
std::vector<std::string> LargeRooms(const std::vector<SourceFile>& files, double most_share);

}  // namespace ppr::architecture
