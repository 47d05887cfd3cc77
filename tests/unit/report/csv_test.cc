// RFC 4180: what is written reads back, and what is malformed is refused with its line.
#include "report/csv.h"

#include <gmock/gmock.h>

#include "base/errors.h"

namespace ppr::report {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

TEST(Csv, QuotesOnlyWhereNeeded) {
  EXPECT_EQ(CsvLine({"plain", "", "a,b", "say \"hi\"", "two\nlines", " spaces "}),
            "plain,,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\", spaces \r\n");
}

TEST(Csv, WhatIsWrittenReadsBack) {
  const std::vector<std::vector<std::string>> lines = {
      {"", ""}, {"\"", "\"\""}, {",", "\r\n"}, {"\r", "a\n\nb"}, {"µ – ▲", std::string("nul\0!", 5)}};
  std::string text;
  for (const std::vector<std::string>& line : lines) text += CsvLine(line);
  const std::vector<CsvRecord> records = ParseCsv(text, "x.csv");
  ASSERT_THAT(records, SizeIs(lines.size()));
  for (size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(records[i].fields, lines[i]) << i;
}

TEST(Csv, LinesAreCountedThroughQuotedBreaks) {
  const std::vector<CsvRecord> records = ParseCsv("a,\"1\n2\"\nb,\"x\r\ny\"\r\nc,d", "x.csv");
  ASSERT_THAT(records, SizeIs(3));
  EXPECT_EQ(records[0].line, 1);
  EXPECT_EQ(records[1].line, 3);
  EXPECT_EQ(records[2].line, 5);
  EXPECT_THAT(records[2].fields, ElementsAre("c", "d"));
}

TEST(Csv, LineFeedsAndAMissingLastBreakAreRead) {
  EXPECT_THAT(ParseCsv("", "x.csv"), IsEmpty());
  EXPECT_THAT(ParseCsv("a\nb\n", "x.csv"), SizeIs(2));
  EXPECT_THAT(ParseCsv("a\r\nb", "x.csv"), SizeIs(2));
}

void ExpectRefused(const std::string& text, const std::string& line, const std::string& found) {
  EXPECT_THAT([&] { ParseCsv(text, "x.csv"); },
              ThrowsMessage<DataError>(
                  AllOf(HasSubstr("x.csv, line " + line + ": expected"), HasSubstr("found " + found))))
      << text;
}

TEST(Csv, MalformedTextIsRefusedWithItsLine) {
  ExpectRefused("a\nb,\"open\n\n", "2", "the end of the file");
  ExpectRefused("a\n\"b\"c\n", "2", "'c'");
  ExpectRefused("a\nb\"c\"\n", "2", "'\"c\"'");
  ExpectRefused("a\rb\n", "1", "a carriage return");
}

}  // namespace
}  // namespace ppr::report
