// Rows of results survive their file bit by bit; seeds are summarised as by hand.
#include "report/results.h"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/errors.h"
#include "support/temporary_folder.h"

namespace ppr::report {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

constexpr const char* kHeader = "table,dataset,task,model,setting,seed,metric,value,paper_value\r\n";

ResultKey Key(const std::string& model, const std::string& metric) {
  return {"table3", "CIKM", "few-shot", model, "", metric};
}

TEST(Results, FileHasTheStatedColumns) {
  EXPECT_EQ(ResultsCsv({{.key = {"table3", "CIKM", "few-shot", "PPR(full)", "k=5, cropped", "NDCG@10"},
                         .seed = 7,
                         .value = 0.25,
                         .paper_value = 0.1},
                        {.key = Key("SASRec", "AUC"), .seed = 0, .value = -3}}),
            std::string(kHeader) + "table3,CIKM,few-shot,PPR(full),\"k=5, cropped\",7,NDCG@10,0.25,0.1\r\n" +
                "table3,CIKM,few-shot,SASRec,,0,AUC,-3,\r\n");
}

TEST(Results, DoublesReadBackToTheSameBits) {
  using Limits = std::numeric_limits<double>;
  std::vector<double> values = {0.0,
                                -0.0,
                                0.1,
                                1.0 / 3,
                                Limits::max(),
                                Limits::min(),
                                Limits::lowest(),
                                Limits::denorm_min(),
                                1 + Limits::epsilon()};
  for (uint64_t i = 0; i < 2000; ++i) {
    const auto value = std::bit_cast<double>(i * 0x9E3779B97F4A7C15ULL);
    if (std::isfinite(value)) values.push_back(value);
  }
  std::vector<ResultRow> rows;
  for (const double value : values) {
    rows.push_back({.key = Key("m", "AUC"),
                    .seed = std::numeric_limits<uint64_t>::max(),
                    .value = value,
                    .paper_value = value});
  }
  const std::vector<ResultRow> read = ParseResultsCsv(ResultsCsv(rows), "results.csv");
  ASSERT_THAT(read, SizeIs(rows.size()));
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(std::bit_cast<uint64_t>(read[i].value), std::bit_cast<uint64_t>(values[i])) << values[i];
    EXPECT_EQ(std::bit_cast<uint64_t>(read[i].paper_value.value()), std::bit_cast<uint64_t>(values[i]));
    EXPECT_EQ(read[i].seed, rows[i].seed);
  }
}

TEST(Results, TextReadsBackFromAFile) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() + "/results.csv";
  const std::vector<ResultRow> rows = {
      {.key = {"t,1", "\"data\"", "two\nlines", "µ", "", "a|b"}, .seed = 1, .value = 2, .paper_value = 3},
      {.key = Key("m", "AUC"), .seed = 2, .value = 0.5}};
  WriteResults(path, rows);
  EXPECT_EQ(ReadResults(path), rows);
  WriteResults(path, {});
  EXPECT_THAT(ReadResults(path), IsEmpty());
}

void ExpectRefused(const std::string& text, const std::string& place, const std::string& expected,
                   const std::string& found) {
  EXPECT_THAT([&] { ParseResultsCsv(text, "r.csv"); },
              ThrowsMessage<DataError>(AllOf(HasSubstr("r.csv, line " + place + ": expected"),
                                             HasSubstr(expected), HasSubstr("found " + found))));
}

TEST(Results, WrongFilesAreRefusedWithLineExpectedAndFound) {
  const std::string good = std::string(kHeader) + "t,d,s,m,,1,AUC,0.5,\r\n";
  ASSERT_THAT(ParseResultsCsv(good, "r.csv"), SizeIs(1));
  ExpectRefused("", "1", "table,dataset", "an empty file");
  ExpectRefused("table,seed\r\n", "1", "table,dataset", "table,seed");
  ExpectRefused(good + "t,d,s,m,,1,AUC,0.5\r\n", "3", "9 fields", "8");
  ExpectRefused(good + "t,d,s,,,1,AUC,0.5,\r\n", "3", "a name in column model", "''");
  ExpectRefused(good + "t,d,s,m,,-1,AUC,0.5,\r\n", "3", "column seed", "'-1'");
  ExpectRefused(good + "t,d,s,m,,1.5,AUC,0.5,\r\n", "3", "column seed", "'1.5'");
  ExpectRefused(good + "t,d,s,m,,1,AUC,0.5x,\r\n", "3", "column value", "'0.5x'");
  ExpectRefused(good + "t,d,s,m,,1,AUC,nan,\r\n", "3", "column value", "'nan'");
  ExpectRefused(good + "t,d,s,m,,1,AUC,1e999,\r\n", "3", "column value", "'1e999'");
  ExpectRefused(good + "t,d,s,m,,1,AUC,,\r\n", "3", "column value", "''");
  ExpectRefused(good + "t,d,s,m,,1,AUC,1,inf\r\n", "3", "column paper_value", "'inf'");
}

TEST(Results, ValuesThatAreNotFiniteAreNotWritten) {
  EXPECT_THAT([] { ResultsCsv({{.key = Key("PPR", "AUC"), .value = std::nan("")}}); },
              ThrowsMessage<DataError>(AllOf(HasSubstr("PPR"), HasSubstr("AUC"), HasSubstr("nan"))));
}

TEST(Summary, MeanAndSampleDeviationOverSeeds) {
  const std::vector<ResultSummary> summaries = SummariseOverSeeds({
      {.key = Key("b", "AUC"), .seed = 1, .value = 2, .paper_value = 9},
      {.key = Key("a", "AUC"), .seed = 1, .value = 0.1},
      {.key = Key("b", "AUC"), .seed = 2, .value = 4, .paper_value = 9},
      {.key = Key("a", "AUC"), .seed = 2, .value = 0.1},
      {.key = Key("b", "AUC"), .seed = 3, .value = 9, .paper_value = 9},
      {.key = Key("a", "AUC"), .seed = 3, .value = 0.1},
      {.key = Key("b", "HIT"), .seed = 1, .value = 7},
  });
  ASSERT_THAT(summaries, SizeIs(3));
  EXPECT_EQ(summaries[0].key, Key("b", "AUC"));
  EXPECT_EQ(summaries[0].n, 3);
  EXPECT_EQ(summaries[0].mean, 5);  // whole numbers: exact
  EXPECT_DOUBLE_EQ(summaries[0].sd, std::sqrt((9.0 + 1 + 16) / 2));
  EXPECT_EQ(summaries[0].paper_value, 9);
  // Equal values have no spread, although 0.1 + 0.1 + 0.1 is not 0.3.
  EXPECT_EQ(summaries[1].key, Key("a", "AUC"));
  EXPECT_EQ(summaries[1].mean, 0.1);
  EXPECT_EQ(summaries[1].sd, 0);
  EXPECT_EQ(summaries[1].paper_value, std::nullopt);
  EXPECT_EQ(summaries[2].key, Key("b", "HIT"));
  EXPECT_EQ(summaries[2].n, 1);
  EXPECT_EQ(summaries[2].sd, 0);
}

TEST(Summary, ARunCountsOnceAndThePaperSaysOneThing) {
  const ResultRow row{.key = Key("b", "AUC"), .seed = 4, .value = 2, .paper_value = 9};
  ResultRow other = row;
  EXPECT_THAT(
      [&] {
        SummariseOverSeeds({row, other});
      },
      ThrowsMessage<DataError>(HasSubstr("found seed 4 twice")));
  other.seed = 5;
  other.paper_value = std::nullopt;
  EXPECT_THAT([&] { SummariseOverSeeds({row, other}); }, ThrowsMessage<DataError>(HasSubstr("found none")));
}

}  // namespace
}  // namespace ppr::report
