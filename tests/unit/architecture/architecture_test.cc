// The whole source tree keeps the rules of docs/architecture.md.
#include <gmock/gmock.h>

#include "source_rules.h"
#include "source_tree.h"

namespace ppr::architecture {
namespace {

using ::testing::IsEmpty;

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

TEST(Architecture, LibrariesStayInTheirRooms) { EXPECT_THAT(BreachesIn("src", LibraryBreaches), IsEmpty()); }

TEST(Architecture, ArrowsBetweenRoomsPointOneWay) {
  EXPECT_THAT(BreachesIn("src", ArrowBreaches), IsEmpty());
}

TEST(Architecture, SourcesKeepTheirForm) { EXPECT_THAT(BreachesIn("src", FormBreaches), IsEmpty()); }

TEST(Architecture, EverySourceAndEveryTestIsBuilt) {
  EXPECT_THAT(UnbuiltFiles(ReadTree("src")), IsEmpty());
  EXPECT_THAT(UnbuiltFiles(ReadTree("tests")), IsEmpty());
}

}  // namespace
}  // namespace ppr::architecture
