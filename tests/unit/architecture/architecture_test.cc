// The whole source tree keeps the rules of docs/architecture.md.
#include <gtest/gtest.h>

#include "include_rules.h"
#include "source_rules.h"
#include "source_tree.h"

namespace ppr::architecture {
namespace {

// One breach a line, and all of them: a matcher would print the first thirty.
std::string Joined(const std::vector<std::string>& breaches) {
  std::string text;
  for (const std::string& breach : breaches) text += breach + "\n";
  return text;
}

std::vector<std::string> BreachesIn(const std::string& folder,
                                    std::vector<std::string> (*rule)(const SourceFile&)) {
  const std::vector<SourceFile> files = ReadTree(folder);
  EXPECT_GT(files.size(), 20u) << folder << " is not the source tree";
  std::vector<std::string> breaches;
  for (const SourceFile& file : files) {
    if (file.path.ends_with("CMakeLists.txt")) continue;
    for (const std::string& breach : rule(file)) breaches.push_back(breach);
  }
  return breaches;
}

TEST(Architecture, LibrariesStayInTheirRooms) { EXPECT_EQ(Joined(BreachesIn("src", LibraryBreaches)), ""); }

TEST(Architecture, ArrowsBetweenRoomsPointOneWay) { EXPECT_EQ(Joined(BreachesIn("src", ArrowBreaches)), ""); }

TEST(Architecture, SourcesKeepTheirForm) { EXPECT_EQ(Joined(BreachesIn("src", FormBreaches)), ""); }

TEST(Architecture, FilesAreShort) {
  EXPECT_EQ(Joined(BreachesIn("src", LongFiles)), "");
  EXPECT_EQ(Joined(BreachesIn("tests", LongFiles)), "");
}

TEST(Architecture, FunctionsFitAScreen) { EXPECT_EQ(Joined(BreachesIn("src", LongFunctions)), ""); }

TEST(Architecture, WhatIsIncludedIsUsed) {
  std::vector<SourceFile> files = ReadTree("src");
  for (SourceFile& file : ReadTree("tests")) files.push_back(std::move(file));
  EXPECT_EQ(Joined(UnusedIncludes(files)), "");
}

TEST(Architecture, RoomsMakeNoCircles) { EXPECT_EQ(Joined(RoomCircles(ReadTree("src"))), ""); }

TEST(Architecture, NoRoomHoldsMoreThanAFifthOfTheLines) {
  EXPECT_EQ(Joined(LargeRooms(ReadTree("src"), 0.2)), "");
}

TEST(Architecture, EverySourceAndEveryTestIsBuilt) {
  EXPECT_EQ(Joined(UnbuiltFiles(ReadTree("src"))), "");
  EXPECT_EQ(Joined(UnbuiltFiles(ReadTree("tests"))), "");
}

}  // namespace
}  // namespace ppr::architecture
