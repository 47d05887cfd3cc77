// Text of any length, and numbers that people can read.
#include "base/text_format.h"

#include <gtest/gtest.h>

#include <climits>

namespace ppr {
namespace {

TEST(Format, FormatsLikePrintfAtAnyLength) {
  EXPECT_EQ(Format("%d of %s, %.2f", 3, "four", 0.125), "3 of four, 0.12");
  EXPECT_EQ(Format("%s", ""), "");
  const std::string longer(5000, 'x');
  EXPECT_EQ(Format("<%s>", longer.c_str()), "<" + longer + ">");
}

TEST(WithThousands, GroupsDigitsByThree) {
  EXPECT_EQ(WithThousands(0), "0");
  EXPECT_EQ(WithThousands(999), "999");
  EXPECT_EQ(WithThousands(1000), "1,000");
  EXPECT_EQ(WithThousands(12345678), "12,345,678");
  EXPECT_EQ(WithThousands(-100000), "-100,000");
  EXPECT_EQ(WithThousands(LLONG_MAX), "9,223,372,036,854,775,807");
}

}  // namespace
}  // namespace ppr
