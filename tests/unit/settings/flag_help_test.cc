// Help is grouped by topic, shows defaults, and keeps to the width of a terminal.
#include "settings/flag_help.h"

#include <gmock/gmock.h>

#include <sstream>

#include "unit/settings/flag_test_support.h"

namespace ppr::settings {
namespace {

using ::testing::HasSubstr;

TEST(FlagHelp, ListsEveryFlagUnderItsTopicWithDefaultAndMeaning) {
  const std::string text = FlagHelp(SmallCommand());
  EXPECT_THAT(text, HasSubstr("\nSize:\n  --width=INTEGER"));
  EXPECT_THAT(text, HasSubstr("Hidden width (default: 64)"));
  EXPECT_THAT(text, HasSubstr("--[no]resume"));
  EXPECT_THAT(text, HasSubstr("File (default: none)"));
  EXPECT_THAT(text, HasSubstr("--flagfile=PATH"));
  EXPECT_LT(text.find("--width"), text.find("--dropout"));
}

TEST(Wrapped, BreaksAtBlanksWithinTheWidth) {
  EXPECT_EQ(Wrapped("aaa bbb ccc", 2, 9), "aaa bbb\n  ccc");
  std::string words;
  for (int i = 0; i < 40; ++i) words += "word ";
  std::istringstream lines(Wrapped(words, 10, 50));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 50u);
}

}  // namespace
}  // namespace ppr::settings
