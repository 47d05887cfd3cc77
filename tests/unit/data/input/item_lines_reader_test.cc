// Lines of items as they stand in the file, wherever its blocks end.
#include "data/input/item_lines_reader.h"

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace ppr::data {
namespace {

TEST(ItemLines, LinesOfAnyLengthOverManyBlocks) {
  // 3,000 lines of 0.5 to 1.5 kB: blocks of 1 MiB end inside lines.
  std::string text;
  std::vector<std::string> histories;
  for (int line = 0; line < 3000; ++line) {
    std::string history = std::to_string(line);
    for (int item = 0; item < 100 + line % 200; ++item) history += "," + std::to_string(1000 + item);
    histories.push_back(history);
    text += history + (line % 2 ? ",,7\r\n" : "\n") + (line % 5 ? "" : "\n");
  }
  test::TemporaryFolder folder;
  test::WriteBytes(folder / "lines.csv", text);
  ItemLinesReader reader(folder / "lines.csv");
  std::vector<ItemLine> lines;
  size_t seen = 0;
  while (reader.Next(&lines)) {
    for (const ItemLine& line : lines) {
      ASSERT_LT(seen, histories.size());
      EXPECT_EQ(line.history, histories[seen]);
      EXPECT_EQ(line.targets, seen % 2 ? "7" : "");
      // Every fifth line is followed by a blank one.
      EXPECT_EQ(line.number, static_cast<int64_t>(seen + 1 + (seen + 4) / 5));
      ++seen;
    }
  }
  EXPECT_EQ(seen, histories.size());
}

}  // namespace
}  // namespace ppr::data
