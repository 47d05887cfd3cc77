// What Prepare() reads: the same clicks in every format give the same histories; everything else is refused
// with its place, and nothing is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <functional>
#include <limits>

#include "base/errors.h"
#include "support/dataset_by_id.h"
#include "unit/data/prepare/prepare_case.h"

namespace ppr::data {
namespace {

using test::HistoriesById;
using test::PrepareCase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr char kFixtures[] = PPR_SOURCE_DIR "/tests/unit/data/prepare/fixtures/";
constexpr char kCsv[] = "user_id,item_id,timestamp\n1,x,10\n2,y,5\n1,y,7\n2,x,-3\n1,z,20\n";

struct FormatCase {
  std::string name, text;
  std::function<void(PrepareConfig*)> change = [](PrepareConfig*) {};
};

TEST(PrepareInput, SameClicksInEveryFormat) {
  const auto fixture = [](const std::string& name) { return test::BytesOfFile(kFixtures + name); };
  const std::vector<FormatCase> cases = {
      {"a.csv", kCsv},
      {"no_newline_at_end.csv", "user_id,item_id,timestamp\n1,x,10\n2,y,5\n1,y,7\n2,x,-3\n1,z,20"},
      {"crlf.csv", "user_id,item_id,timestamp\r\n1,x,10\r\n2,y,5\r\n1,y,7\r\n2,x,-3\r\n1,z,20\r\n"},
      {"byte_order_mark.csv", std::string("\xEF\xBB\xBF") + kCsv},
      {"blank_lines.csv", "user_id,item_id,timestamp\n1,x,10\n\n2,y,5\n1,y,7\n2,x,-3\n1,z,20\n\n"},
      {"quoted.csv", "\"user_id\",item_id,timestamp\n\"1\",\"x\",10\n2,y,\"5\"\n1,y,7\n2,x,-3\n1,z,20\n"},
      {"float_times.csv", "user_id,item_id,timestamp\n1,x,10.0\n2,y,5e0\n1,y,7.\n2,x,-3.00\n1,z,2e1\n"},
      {"more_columns.csv",
       "timestamp,junk,item_id,user_id\n10,a,x,1\n5,,y,2\n7,b,y,1\n-3,c,x,2\n20,\"d,e\",z,1\n"},
      {"a.tsv", "user_id\titem_id\ttimestamp\n1\tx\t10\n2\ty\t5\n1\ty\t7\n2\tx\t-3\n1\tz\t20\n"},
      {"a.inter",
       "user_id:token\titem_id:token\ttimestamp:float\n1\tx\t10\n2\ty\t5\n1\ty\t7\n2\tx\t-3\n1\tz\t20\n"},
      {"crlf.inter",
       "user_id:token\titem_id:token\ttimestamp:float\r\n1\tx\t10\r\n2\ty\t5\r\n1\ty\t7\r\n2\tx\t-"
       "3\r\n1\tz\t20"},
      {"no_times.inter", "user_id:token\titem_id:token\n2\tx\n1\ty\n1\tx\n2\ty\n1\tz\n"},
      {"a.txt", "1 y x z\n2 x y\n"},
      {"unknown.dat", "user_id\titem_id\ttimestamp\n1\tx\t10\n2\ty\t5\n1\ty\t7\n2\tx\t-3\n1\tz\t20\n",
       [](PrepareConfig* config) { config->format = InputFormat::kDelimited; }},
      {"a.csv.gz", fixture("clicks.csv.gz")},
      {"a.csv.zst", fixture("clicks.csv.zst")},
      {"a.parquet", fixture("clicks.parquet")},
      {"float_times.parquet", fixture("clicks.parquet"),
       [](PrepareConfig* config) { config->time_column = "float_time"; }},
      {"stamps.parquet", fixture("clicks.parquet"),
       [](PrepareConfig* config) { config->time_column = "stamp"; }},
      {"other_names.csv", "who,what,when\n1,x,10\n2,y,5\n1,y,7\n2,x,-3\n1,z,20\n",
       [](PrepareConfig* config) {
         config->user_column = "who";
         config->item_column = "what";
         config->time_column = "when";
       }},
  };
  for (const FormatCase& one : cases) {
    PrepareCase prepare(one.text, one.name);
    prepare.config.protocol = Protocol::kLeaveOneOut;
    prepare.config.max_warm_dev_users = 0;
    prepare.config.num_candidates = 1;
    one.change(&prepare.config);
    try {
      // Candidates need an item that the user has not clicked: user 1 clicked all three.
      Prepare(prepare.config);
      ADD_FAILURE() << one.name << ": user 1 has no item left to be a candidate";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("user 1 has clicked 3 of 3 items")) << one.name;
    }
    prepare.config.protocol = Protocol::kThreshold;
    prepare.config.cold_threshold = 3;  // user 2 is cold, and for training: no case
    prepare.config.cold_train_share = 1;
    prepare.config.cold_dev_share = 0;
    const Dataset dataset = prepare.Run();
    EXPECT_THAT(HistoriesById(dataset),
                ElementsAre(Pair("1", ElementsAre("y", "x", "z")), Pair("2", ElementsAre("x", "y"))))
        << one.name;
    if (dataset.times[0] != 0) {
      const auto user_1 = dataset.user_ids[0] == "1" ? 0 : 1;
      EXPECT_EQ(dataset.times[dataset.offsets[user_1]], 7) << one.name;
      EXPECT_EQ(dataset.times[dataset.offsets[1 - user_1]], -3) << one.name;
    }
  }
}

TEST(PrepareInput, IdsAreBytes) {
  PrepareCase prepare(
      "user_id,item_id,timestamp\n\xFF\xFE,\"a,\"\"b\"\"\",1\n\xFF\xFE,' "
      "',2\n\xFF\xFE,caf\xC3\xA9,3\nu,x,1\n",
      "a.csv");
  prepare.config.protocol = Protocol::kLeaveOneOut;
  EXPECT_THAT(HistoriesById(prepare.Run())["\xFF\xFE"], ElementsAre("a,\"b\"", "' '", "caf\xC3\xA9"));
}

TEST(PrepareInput, QuotesAreLettersInAtomicFiles) {
  PrepareCase prepare(
      "user_id:token\titem_id:token\ttimestamp:float\nu\t\"a\t1\nu\tb\"\t2\nu\tc\t3\nv\td\t1\n");
  prepare.config.protocol = Protocol::kLeaveOneOut;
  EXPECT_THAT(HistoriesById(prepare.Run())["u"], ElementsAre("\"a", "b\"", "c"));
}

struct BadCase {
  std::string name;  // of the file
  std::string text;
  std::vector<std::string> messages;
  std::function<void(PrepareConfig*)> change = [](PrepareConfig*) {};
  ExitCode code = ExitCode::kBadData;
};

std::string Repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

std::vector<BadCase> BadTables() {
  const std::string header = "user_id,item_id,timestamp\n";
  const std::string atomic = "user_id:token\titem_id:token\ttimestamp:float\n";
  const std::string gz = test::BytesOfFile(std::string(kFixtures) + "clicks.csv.gz");
  const std::string parquet = test::BytesOfFile(std::string(kFixtures) + "clicks.parquet");
  return {
      {"empty.csv", "", {"expected data, found an empty file"}},
      {"empty.txt", "", {"expected data, found an empty file"}},
      {"header_only.csv", header, {"found a header and no rows"}},
      {"header_only_cut.inter",
       "user_id:token\titem_id:token\ttimestamp:float",
       {"found one line that does not end"}},
      {"column.csv",
       "user_id,itemid,timestamp\n1,2,3\n",
       {"expected a column item_id", "did you mean itemid", "--item_column"}},
      {"time.csv", "user_id,item_id\n1,2\n", {"expected a column timestamp", "--time_column"}},
      {"rating.csv",
       header + "1,2,3\n",
       {"expected a column stars"},
       [](PrepareConfig* config) { config->rating_column = "stars"; }},
      {"twice.csv",
       "user_id,item_id,item_id,timestamp\n1,2,3,4\n",
       {"column 3", "\"item_id\" a second time"}},
      {"noname.csv", "user_id,item_id,,timestamp\n1,2,3,4\n", {"column 3", "expected a name"}},
      {"short_row.csv", header + "1,2,3\n4,5\n", {"row 2", "expected 3 columns", "found 2", "4,5"}},
      {"long_row.csv",
       header + Repeat("1,2,3\n", 400'000) + "4,5,6,7\n",
       {"row 400001", "expected 3 columns", "found 4", "4,5,6,7"}},
      {"ragged.inter", atomic + "1\t2\t3\n4\t5\n", {"row 2", "expected 3 columns", "found 2"}},
      {"untyped.inter", "user_id\titem_id\n1\t2\n", {"name:type", "\"user_id\""}},
      {"wrong_type.inter", "user_id:token\titem_id:int\n1\t2\n", {"\"item_id:int\""}},
      {"word_time.csv",
       header + "1,2,3\n1,2,noon\n",
       {"row 2, column timestamp", "whole number", "\"noon\""}},
      {"date_time.csv", header + "1,2,2020-01-01\n", {"row 1, column timestamp", "\"2020-01-01\""}},
      {"nan_time.csv", header + "1,2,nan\n", {"row 1, column timestamp", "\"nan\""}},
      {"inf_time.csv", header + "1,2,inf\n", {"row 1, column timestamp", "\"inf\""}},
      {"huge_time.csv", header + "1,2,99999999999999999999\n", {"row 1, column timestamp", "64-bit"}},
      {"overflow_time.csv", header + "1,2,1e999\n", {"row 1, column timestamp", "1e999"}},
      {"half_time.csv", header + "1,2,3.5\n", {"row 1, column timestamp", "whole number", "3.5"}},
      {"blank_time.csv", header + "1,2, 3\n", {"row 1, column timestamp", "\" 3\""}},
      {"word_rating.csv",
       "user_id,item_id,timestamp,stars\n1,2,3,good\n",
       {"row 1, column stars", "finite number", "\"good\""},
       [](PrepareConfig* config) { config->rating_column = "stars"; }},
      {"nan_rating.csv",
       "user_id,item_id,timestamp,stars\n1,2,3,nan\n",
       {"row 1, column stars", "\"nan\""},
       [](PrepareConfig* config) { config->rating_column = "stars"; }},
      {"no_user.csv", header + "1,2,3\n,2,3\n", {"row 2, column user_id", "empty cell"}},
      {"no_item.inter", atomic + "1\t\t3\n", {"row 1, column item_id", "empty cell"}},
      {"long_id.csv",
       header + "1," + std::string(2000, 'x') + ",3\n",
       {"row 1, column item_id", "at most 1024 bytes", "2000"}},
      {"open_quote.csv", header + "1,\"2,3\n1,2,3\n", {"quote"}},
      {"late_bad_time.csv",
       header + Repeat("1,2,3\n", 400'000) + "1,2,x\n",
       {"row 400001, column timestamp"}},
      {"cut.csv.gz", gz.substr(0, gz.size() - 12), {"cut.csv.gz"}},
      {"not_gzip.csv.gz", kCsv, {"not_gzip.csv.gz"}},
      {"not_zstd.csv.zst", kCsv, {"not_zstd.csv.zst"}},
      {"cut.parquet", parquet.substr(0, parquet.size() / 2), {"Parquet"}},
      {"not.parquet", kCsv, {"Parquet"}},
      {"nested.parquet",
       parquet,
       {"column tags", "list"},
       [](PrepareConfig* config) { config->item_column = "tags"; }},
      {"null.parquet",
       parquet,
       {"row 2, column null_user", "empty cell"},
       [](PrepareConfig* config) { config->user_column = "null_user"; }},
      {"lonely.txt", "1 a b\n2 c d\n3\n", {"line 3", "user \"3\" without items"}},
      {"binary.csv", std::string("\0\1\2\3", 4), {"binary.csv"}},
  };
}

std::vector<BadCase> BadSettingsForData() {
  const std::string header = "user_id,item_id,timestamp\n";
  const auto atomic_ties = [](PrepareConfig* config) { config->ties = TieOrder::kHash; };
  return {
      {"all_filtered.csv",
       "user_id,item_id,timestamp,stars\n1,2,3,1\n4,5,6,2\n",
       {"none among 2 rows", "--min_rating"},
       [](PrepareConfig* config) {
         config->rating_column = "stars";
         config->min_rating = 3;
       }},
      {"core.csv",
       header + "1,2,3\n4,5,6\n",
       {"at least 5 clicks", "--min_user_clicks"},
       [](PrepareConfig* config) { config->min_user_clicks = 5; }},
      {"no_cold.csv",
       header + Repeat("1,2,3\n", 12),
       {"found 1 users", "fewer than 10 clicks", "--protocol=holdout"},
       [](PrepareConfig* config) { config->protocol = Protocol::kThreshold; }},
      {"no_warm.csv",
       header + "1,2,3\n",
       {"found 1 users", "--cold_threshold"},
       [](PrepareConfig* config) { config->protocol = Protocol::kThreshold; }},
      {"no_cases.csv",
       header + "1,2,3\n1,3,4\n",
       {"none with 3 clicks", "leave_one_out"},
       [](PrepareConfig* config) { config->protocol = Protocol::kLeaveOneOut; }},
      {"few_items.csv",
       header + "1,a,3\n1,b,4\n1,c,5\n2,d,1\n2,e,1\n",
       {"user 1 has clicked 3 of 5 items", "expected 3 others", "found 2", "--num_candidates to at most 2"},
       [](PrepareConfig* config) {
         config->protocol = Protocol::kLeaveOneOut;
         config->num_candidates = 3;
       }},
      {"no_times.inter",
       "user_id:token\titem_id:token\n1\t2\n1\t3\n1\t4\n",
       {"no times", "--ties=file"},
       atomic_ties,
       ExitCode::kUsage},
      {"missing.csv",
       kCsv,
       {"No such file"},
       [](PrepareConfig* config) { config->interactions += ".csv"; },
       ExitCode::kStorage},
      {"folder.csv",
       kCsv,
       {"cannot write into the folder"},
       [](PrepareConfig* config) { config->output = "/no/such/folder/dataset.h5"; },
       ExitCode::kStorage},
      {"temporary.csv",
       kCsv,
       {"cannot write into the folder"},
       [](PrepareConfig* config) { config->temporary_folder = "/no/such/folder"; },
       ExitCode::kStorage},
  };
}

void ExpectRefused(PrepareCase& prepare, const BadCase& bad) {
  const std::set<std::string> before = prepare.Files();
  try {
    Prepare(prepare.config);
    ADD_FAILURE() << bad.name << " was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), bad.code) << bad.name << ": " << error.what();
    for (const std::string& message : bad.messages) EXPECT_THAT(error.what(), HasSubstr(message)) << bad.name;
  }
  EXPECT_EQ(prepare.Files(), before) << bad.name << " left something behind";
}

TEST(PrepareInput, BadTablesAreRefusedAndNothingIsWritten) {
  for (const BadCase& bad : BadTables()) {
    PrepareCase prepare(bad.text, bad.name);
    bad.change(&prepare.config);
    ExpectRefused(prepare, bad);
  }
}

TEST(PrepareInput, DataThatTheSettingsCannotUseIsRefused) {
  for (const BadCase& bad : BadSettingsForData()) {
    PrepareCase prepare(bad.text, bad.name);
    bad.change(&prepare.config);
    ExpectRefused(prepare, bad);
  }
}

TEST(PrepareInput, BadProfileTablesAreRefused) {
  const std::vector<BadCase> cases = {
      {"p.user",
       "id:token\tage:token\n1\t2\n",
       {"p.user: header", "expected a column user_id", "found id, age"}},
      {"p.csv",
       "user_id,age\n1,2\n",
       {"expected a column agee", "did you mean age"},
       [](PrepareConfig* config) { config->profile_columns = {"agee"}; }},
      {"p.csv", "user_id\n1\n", {"expected profile columns beside user_id"}},
      {"p.csv", "user_id,age\n,2\n", {"row 1, column user_id", "empty cell"}},
      {"p.csv", "user_id,age\n1,2\n1\n", {"row 2", "expected 2 columns"}},
      {"p.csv", "", {"p.csv: expected data, found an empty file"}},
      {"p.csv",
       "user_id,age\n1,2\n",
       {"No such file"},
       [](PrepareConfig* config) { config->users += "x"; },
       ExitCode::kStorage},
  };
  for (const BadCase& bad : cases) {
    PrepareCase prepare(kCsv, "clicks.csv");
    prepare.AddProfiles(bad.text, bad.name);
    bad.change(&prepare.config);
    ExpectRefused(prepare, bad);
  }
}

TEST(PrepareInput, AFailedRunKeepsTheOlderDataset) {
  PrepareCase prepare(kCsv, "clicks.csv");
  test::WriteBytes(prepare.config.output, "older");
  prepare.config.min_user_clicks = 100;
  EXPECT_THROW(Prepare(prepare.config), DataError);
  EXPECT_EQ(test::BytesOfFile(prepare.config.output), "older");
}

// The disk refuses more than 100 kB: once while clicks are spilled, once while the dataset is written.
TEST(PrepareInput, AFullDiskIsReportedAndNothingIsLeft) {
  for (const int64_t memory_bytes : {int64_t{1}, int64_t{1} << 30}) {
    PrepareCase prepare("user_id,item_id,timestamp\n", "clicks.csv");
    std::string text = "user_id,item_id,timestamp\n";
    for (int row = 0; row < 40'000; ++row)
      text += std::to_string(row % 997) + "," + std::to_string(row % 1009) + ",1\n";
    test::WriteBytes(prepare.config.interactions, text);
    prepare.config.memory_bytes = memory_bytes;
    rlimit old_limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old_limit), 0);
    auto* const old_handler = ::signal(SIGXFSZ, SIG_IGN);
    rlimit small = old_limit;
    small.rlim_cur = 100'000;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    EXPECT_THROW(Prepare(prepare.config), StorageError) << memory_bytes;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old_limit), 0);
    ::signal(SIGXFSZ, old_handler);
    EXPECT_EQ(prepare.Files(), (std::set<std::string>{"clicks.csv"}));
  }
}

TEST(PrepareConfig, NamesEveryProblemAtOnce) {
  PrepareConfig config;
  config.interactions = "clicks.what";
  config.users = "clicks.what";
  config.user_column = "";
  config.item_column = "t";
  config.time_column = "t";
  config.min_rating = std::numeric_limits<double>::quiet_NaN();
  config.holdout_share = std::numeric_limits<double>::quiet_NaN();
  config.cold_train_share = 0.9;
  config.cold_dev_share = 0.2;
  config.num_candidates = 0;
  config.cold_clicks = 0;
  config.min_item_clicks = 0;
  config.memory_bytes = 0;
  const std::vector<std::string> problems = config.Problems();
  for (const char* flag :
       {"output: ", "format: ", "users: ", "user_column: ", "found t twice",
        "min_rating: ", "holdout_share: ", "cold_train_share: expected with --cold_dev_share at most 1",
        "num_candidates: ", "cold_clicks: ", "min_item_clicks: ", "memory_bytes: "}) {
    EXPECT_THAT(problems, ::testing::Contains(HasSubstr(flag)));
  }
  try {
    Prepare(config);
    ADD_FAILURE() << "bad settings were accepted";
  } catch (const ConfigError& error) {
    for (const std::string& problem : problems) EXPECT_THAT(error.what(), HasSubstr(problem));
  }
}

TEST(PrepareConfig, DefaultsHaveNoProblem) {
  PrepareConfig config;
  config.interactions = "clicks.csv.gz";
  config.output = "dataset.h5";
  EXPECT_THAT(config.Problems(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace ppr::data
