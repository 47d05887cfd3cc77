// The per-case file: what is written is read back, and anything else is refused with its line.
#include "evaluation/case_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/durable_file.h"
#include "base/errors.h"
#include "unit/evaluation/ranking_dataset.h"

namespace ppr::evaluation {

static bool operator==(const RankCounts& a, const RankCounts& b) {
  return a.greater == b.greater && a.equal == b.equal && a.others == b.others;
}

namespace {

std::string TemporaryPath(const std::string& name) {
  return testing::TempDir() + "case_file_" + std::to_string(::getpid()) + "_" + name;
}

CaseResults MakeResults(bool with_catalogue) {
  CaseResults results;
  results.cases = {0, 2, 5};
  results.candidates = {{0, 0, 4}, {1, 2, 4}, {4, 0, 4}};
  if (with_catalogue)
    results.catalogue = {{0, 0, 40}, {int64_t{3'000'000'000}, 7, int64_t{4'000'000'000}}, {0, 40, 40}};
  return results;
}

class CaseFileTest : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Catalogue, CaseFileTest, testing::Values(false, true));

TEST_P(CaseFileTest, ReadsBackWhatWasWritten) {
  data::Dataset dataset = test::MakeRankingDataset(20, 40, 4);
  const CaseResults results = MakeResults(GetParam());
  const auto user_of = [&](size_t i) { return dataset.cases.user[static_cast<size_t>(results.cases[i])]; };
  dataset.user_ids[static_cast<size_t>(user_of(0))] = "# tab\there \\t line\nend\r";
  dataset.user_ids[static_cast<size_t>(user_of(1))] = "";
  const std::string path = TemporaryPath("round_trip");
  WriteCaseFile(path, dataset, results, "feedbeef", "few_shot");
  const CaseFile file = ReadCaseFile(path);
  EXPECT_EQ(file.dataset_digest, dataset.digest);
  EXPECT_EQ(file.checkpoint_digest, "feedbeef");
  EXPECT_EQ(file.task, "few_shot");
  EXPECT_EQ(file.candidates, results.candidates);
  EXPECT_EQ(file.catalogue, results.catalogue);
  ASSERT_EQ(file.user_ids.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(file.user_ids[i], dataset.user_ids[static_cast<size_t>(user_of(i))]);
    EXPECT_EQ(file.positions[i], dataset.cases.position[static_cast<size_t>(results.cases[i])]);
  }
}

TEST(CaseFile, NoCheckpointAndNoCases) {
  const data::Dataset dataset = test::MakeRankingDataset(20, 40, 4);
  const std::string path = TemporaryPath("none");
  WriteCaseFile(path, dataset, {}, "", "joint");
  const CaseFile file = ReadCaseFile(path);
  EXPECT_EQ(file.checkpoint_digest, "");
  EXPECT_TRUE(file.user_ids.empty());
}

// A good file whose text `from` is replaced by `to` is refused at `line` with `complaint`.
struct Damage {
  const char* name;
  std::string from, to;
  int line;
  const char* complaint;
};
void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

class DamagedCaseFile : public testing::TestWithParam<Damage> {};
INSTANTIATE_TEST_SUITE_P(
    Each, DamagedCaseFile,
    testing::Values(
        Damage{"version", "# ppr cases 1", "# ppr cases 2", 1, "'# ppr cases 1'"},
        Damage{"no_header", "# dataset ", "dataset ", 2, "'# dataset '"},
        Damage{"row_count", "# rows 2", "# rows two", 5, "rows, a whole number"},
        Damage{"too_few_rows", "# rows 2", "# rows 3", 9, "the end of the file"},
        Damage{"too_many_rows", "# rows 2", "# rows 1", 7, "1 cases and the end"},
        Damage{"columns", "position\tgreater", "place\tgreater", 6, "user"},
        Damage{"missing_field", "alice\t3\t1\t2\t4", "alice\t3\t1\t2", 7, "5 tab-separated fields, found 4"},
        Damage{"further_field", "alice\t3\t1\t2\t4", "alice\t3\t1\t2\t4\t9", 7, "found 6"},
        Damage{"negative", "alice\t3\t1", "alice\t3\t-1", 7, "greater, a whole number"},
        Damage{"not_a_number", "alice\t3\t1", "alice\t3\t1.5", 7, "'1.5'"},
        Damage{"empty_number", "alice\t3\t1", "alice\t\t1", 7, "position"},
        Damage{"position_too_large", "alice\t3", "alice\t3000000000", 7, "position"},
        Damage{"counts_disagree", "alice\t3\t1\t2\t4", "alice\t3\t3\t2\t4", 7, "greater + equal <= others"},
        Damage{"bad_escape", "alice", "al\\ice", 7, "after a backslash"},
        Damage{"cut_line", "bob\t0\t0\t0\t4\n", "bob\t0\t0", 8, "cut off"},
        Damage{"blank_line", "bob\t0", "\nbob\t0", 8, "found 1"}),
    [](const auto& parameter) { return parameter.param.name; });

TEST_P(DamagedCaseFile, IsRefusedWithItsLine) {
  std::string text =
      "# ppr cases 1\n# dataset d1\n# checkpoint c1\n# task few_shot\n# rows 2\n"
      "user\tposition\tgreater\tequal\tothers\nalice\t3\t1\t2\t4\nbob\t0\t0\t0\t4\n";
  const std::string path = TemporaryPath(GetParam().name);
  WriteFileDurably(path, text);
  EXPECT_EQ(ReadCaseFile(path).user_ids, (std::vector<std::string>{"alice", "bob"}));

  text.replace(text.find(GetParam().from), GetParam().from.size(), GetParam().to);
  WriteFileDurably(path, text);
  try {
    ReadCaseFile(path);
    FAIL() << "accepted";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(path + ":" + std::to_string(GetParam().line) + ":"));
    EXPECT_THAT(error.what(), testing::HasSubstr(GetParam().complaint));
  }
}

TEST(CaseFile, MissingFileAndForeignFile) {
  EXPECT_THROW(ReadCaseFile(TemporaryPath("absent")), StorageError);
  const std::string path = TemporaryPath("foreign");
  WriteFileDurably(path, std::string(1 << 20, 'x'));
  try {
    ReadCaseFile(path);
    FAIL() << "accepted";
  } catch (const DataError& error) {
    EXPECT_LT(std::string(error.what()).size(), 1000u);  // a message, not the file
  }
}

}  // namespace
}  // namespace ppr::evaluation
