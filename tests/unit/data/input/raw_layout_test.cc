// Raw files that are no plain tables: each setting of the layout alone, on logs that are counted by hand, and
// what is refused.
#include "data/input/raw_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/errors.h"
#include "base/random.h"
#include "data/input/item_lines_reader.h"
#include "support/dataset_by_id.h"
#include "unit/data/prepare/prepare_case.h"

namespace ppr::data {
namespace {

using test::HistoriesById;
using test::PrepareCase;
using test::ProfilesById;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::ThrowsMessage;
using ::testing::UnorderedElementsAre;

// Nobody is evaluated, so that tiny logs need no candidates.
class TinyCase : public PrepareCase {
 public:
  explicit TinyCase(const std::string& clicks, const std::string& name = "clicks.csv")
      : PrepareCase(clicks, name) {
    config.protocol = Protocol::kThreshold;
    config.cold_threshold = 2;
    config.cold_train_share = 1;
    config.cold_dev_share = 0;
    config.max_warm_dev_users = 0;
  }
};

TEST(RawLayout, FilesWithoutHeaderOfEitherSeparator) {
  for (const std::string separator : {",", "\t"}) {
    std::string text = "1,x,10\n2,x,5\n1,y,7";
    for (char& c : text) c = c == ',' ? separator[0] : c;
    TinyCase prepare(text, "log");
    prepare.config.format = InputFormat::kDelimited;
    prepare.config.layout.interactions_header = {"user_id", "item_id", "timestamp"};
    EXPECT_THAT(HistoriesById(prepare.Run()),
                ElementsAre(Pair("1", ElementsAre("y", "x")), Pair("2", ElementsAre("x"))));
    EXPECT_EQ(prepare.report.rows_read, 3);
  }
}

TEST(RawLayout, FilesWithoutHeaderMayRepeatTheirFirstRow) {
  TinyCase prepare("7,7,7\n7,7,7\n8,7,7\n");
  prepare.config.layout.interactions_header = {"user_id", "item_id", "timestamp"};
  EXPECT_THAT(HistoriesById(prepare.Run()),
              ElementsAre(Pair("7", ElementsAre("7", "7")), Pair("8", ElementsAre("7"))));
  EXPECT_EQ(prepare.report.duplicates, 1);
}

TEST(RawLayout, RowsCountUnderTheFirstThingThatIsWrong) {
  TinyCase prepare(
      "user_id,item_id,timestamp,action,stars\n"
      "1,a,5,pv,3\n1,b,6,pv,3\n2,a,5,pv,3\n"
      "1,NULL,99,buy,1\n"   // action, before all else
      "1,NULL,NULL,pv,1\n"  // no time, before rating and item
      "1,NULL,4,pv,1\n"     // too early
      "1,NULL,8,pv,1\n"     // too late
      "1,NULL,7,pv,1\n"     // rated too low
      "1,NULL,7,pv,3\n"     // no item
      "1,,7,pv,3\n");       // no item
  prepare.config.rating_column = "stars";
  prepare.config.min_rating = 2;
  RawLayout& layout = prepare.config.layout;
  layout.action_column = "action";
  layout.actions = {"view", "pv"};
  layout.first_time = 5;
  layout.last_time = 7;
  layout.missing_text = "NULL";
  layout.drop_rows_without_item = true;
  EXPECT_THAT(HistoriesById(prepare.Run()),
              ElementsAre(Pair("1", ElementsAre("a", "b")), Pair("2", ElementsAre("a"))));
  const PrepareReport& report = prepare.report;
  EXPECT_EQ(report.rows_read, 10);
  EXPECT_EQ(report.rows_kept, 3);
  EXPECT_EQ(report.dropped.action, 1);
  EXPECT_EQ(report.dropped.missing, 1);
  EXPECT_EQ(report.dropped.time, 2);
  EXPECT_EQ(report.dropped.rating, 1);
  EXPECT_EQ(report.dropped.no_item, 2);
}

TEST(RawLayout, AShareOfUsersIsDrawnByHashOfTheirIds) {
  std::string text = "user_id,item_id,timestamp\n";
  for (int user = 0; user < 1000; ++user)
    text += std::to_string(user) + ",a,1\n" + std::to_string(user) + ",b,2\n";
  TinyCase prepare(text + "lonely,a,1\n");
  prepare.config.layout.user_share = 0.3;
  prepare.config.protocol = Protocol::kHoldout;
  prepare.config.seed = 5;
  const Dataset dataset = prepare.Run();
  // Binomial(1000, 0.3) has a standard deviation of 14.5: within five of them.
  EXPECT_NEAR(static_cast<double>(dataset.num_users()), 300, 73);
  EXPECT_EQ(prepare.report.dropped.user + prepare.report.rows_kept, 2001);
  // The draw must not be the one that makes users cold: with the default share of a quarter, as many of the
  // drawn users as of all become cold.
  EXPECT_NEAR(static_cast<double>(dataset.num_users() - prepare.report.warm_users) /
                  static_cast<double>(dataset.num_users()),
              0.25, 0.125);
  // A larger share holds the smaller one.
  std::map<std::string, std::vector<std::string>> fewer = HistoriesById(dataset);
  prepare.config.layout.user_share = 0.6;
  const auto more = HistoriesById(prepare.Run());
  for (const auto& [user, history] : fewer) EXPECT_TRUE(more.contains(user)) << user;
}

TEST(RawLayout, OnlyUsersOfAnotherDataset) {
  TinyCase source("user_id,item_id,timestamp\n1,x,10\n1,y,7\n2,x,5\n3,y,1\n");
  source.Run();
  TinyCase target("user_id,item_id,timestamp\n1,p,10\n4,q,7\n2,p,5\n1,q,1\n");
  target.config.layout.shared_with = source.config.output;
  EXPECT_THAT(HistoriesById(target.Run()),
              ElementsAre(Pair("1", ElementsAre("q", "p")), Pair("2", ElementsAre("p"))));
  EXPECT_EQ(target.report.dropped.user, 1);
  EXPECT_THAT(ReadUserIds(source.config.output), ElementsAre("1", "2", "3"));
  target.config.layout.shared_with = target.config.interactions;
  EXPECT_THROW(Prepare(target.config), DataError);  // not a dataset file
}

TEST(RawLayout, OnlyTheFirstClickOnEachItem) {
  // In time order user 1 clicks a b a c b, a again at a tied time.
  const std::string clicks = "user_id,item_id,timestamp\n1,c,9\n1,b,5\n2,a,1\n1,a,3\n1,a,7\n1,b,10\n1,a,7\n";
  TinyCase prepare(clicks);
  prepare.config.layout.distinct_items = true;
  EXPECT_THAT(HistoriesById(prepare.Run()),
              ElementsAre(Pair("1", ElementsAre("a", "b", "c")), Pair("2", ElementsAre("a"))));
  EXPECT_EQ(prepare.report.rows_read, 7);
  EXPECT_EQ(prepare.report.rows_kept, 4);
  EXPECT_EQ(prepare.report.rows_dropped_later_click, 3);
  EXPECT_EQ(prepare.report.duplicates, 1);

  // With the repeat dropped before, one fewer is a later click.
  prepare.config.drop_duplicates = true;
  prepare.Run();
  EXPECT_EQ(prepare.report.rows_kept, 4);
  EXPECT_EQ(prepare.report.rows_dropped_duplicate, 1);
  EXPECT_EQ(prepare.report.rows_dropped_later_click, 2);

  TinyCase lines("1 a b a c b\n2 a\n", "lines.txt");
  lines.config.layout.distinct_items = true;
  EXPECT_THAT(HistoriesById(lines.Run()),
              ElementsAre(Pair("1", ElementsAre("a", "b", "c")), Pair("2", ElementsAre("a"))));
}

TEST(RawLayout, ATableOfItemsRenamesAndFilters) {
  TinyCase prepare("user_id,item_id,timestamp\n1,a,1\n1,b,2\n1,c,3\n1,d,4\n1,e,5\n2,a,6\n2,nobody,7\n");
  prepare.config.layout.item_table = prepare.folder / "things.csv";
  // The first row of an item counts; d has no shop, e is of another kind.
  test::WriteBytes(prepare.config.layout.item_table,
                   "kind,item_id,shop,brand\nfood,a,s1,b1\nfood,b,s1,b1\nfood,c,s1,b2\nfood,d,,b2\n"
                   "drug,e,s2,b2\nfood,e,s2,b2\ndrug,a,s9,b9\n");
  prepare.config.layout.item_from = {"shop", "brand"};
  prepare.config.layout.item_filter_column = "kind";
  prepare.config.layout.item_filter_values = {"food"};
  EXPECT_THAT(HistoriesById(prepare.Run()), ElementsAre(Pair("1", ElementsAre("s1/b1", "s1/b1", "s1/b2")),
                                                        Pair("2", ElementsAre("s1/b1"))));
  EXPECT_EQ(prepare.report.dropped.no_item, 2);  // d and nobody
  EXPECT_EQ(prepare.report.dropped.item_filter, 1);
  EXPECT_EQ(prepare.report.items, 2);
}

TEST(RawLayout, AnItemMayBeSeveralColumnsOfTheLog) {
  TinyCase prepare("user_id,cate,timestamp,brand\n1,7,1,x\n1,7,2,y\n2,71,3,y\n2,,4,y\n");
  prepare.config.layout.item_from = {"cate", "brand"};
  prepare.config.layout.drop_rows_without_item = true;
  EXPECT_THAT(HistoriesById(prepare.Run()),
              ElementsAre(Pair("1", ElementsAre("7/x", "7/y")), Pair("2", ElementsAre("71/y"))));
  EXPECT_EQ(prepare.report.dropped.no_item, 1);
}

TEST(RawLayout, ProfilesMayNameTheirUsersDifferently) {
  TinyCase prepare("user_id,item_id,timestamp\n1,x,10\n1,y,7\n2,x,5\n");
  prepare.AddProfiles("age,who \n24,1\nNULL,2\n", "people.csv");
  prepare.config.layout.users_id_column = "who";
  prepare.config.layout.missing_text = "NULL";
  prepare.config.layout.buckets = {{"age", 5}};
  EXPECT_THAT(ProfilesById(prepare.Run()),
              ElementsAre(Pair("1", ElementsAre("20-24")), Pair("2", ElementsAre(""))));
}

// A window says which times make sense, so that nonsense of any size is outside.
TEST(RawLayout, TimesThatDoNotFitAreOutsideAWindow) {
  TinyCase prepare("user_id,item_id,timestamp\n1,2,3\n1,3,99999999999999999999\n1,4,-1e19\n2,2,4\n1,5,5\n");
  prepare.config.layout.last_time = 9;
  EXPECT_THROW(Prepare(prepare.config), DataError);
  prepare.config.layout.first_time = 0;
  EXPECT_THAT(HistoriesById(prepare.Run()),
              ElementsAre(Pair("1", ElementsAre("2", "5")), Pair("2", ElementsAre("2"))));
  EXPECT_EQ(prepare.report.dropped.time, 2);
}

// The names of a file that was said to have none would be a row.
TEST(RawLayout, AHeaderWhereNoneWasSaidIsRefused) {
  for (const std::string mark : {"", "\xEF\xBB\xBF"}) {
    TinyCase log(mark + "user_id,item_id,timestamp\r\n1,2,3\n");
    log.config.layout.interactions_header = {"user_id", "item_id", "timestamp"};
    EXPECT_THAT([&] { Prepare(log.config); },
                ThrowsMessage<DataError>(HasSubstr("clicks.csv: line 1: expected a row")));
  }
  TinyCase profiles("user_id,item_id,timestamp\n1,2,3\n");
  profiles.AddProfiles("user_id\tage\n1\t2\n", "p.tsv");
  profiles.config.layout.users_header = {"user_id", "age"};
  EXPECT_THAT([&] { Prepare(profiles.config); },
              ThrowsMessage<DataError>(HasSubstr("p.tsv: line 1: expected a row")));
}

TEST(RawLayout, TablesThatNameTheirColumnsTakeNoOtherNames) {
  PrepareConfig config;
  config.interactions = "a.csv";
  config.output = "o.h5";
  config.users = "u.parquet";
  config.layout.users_header = {"user_id", "age"};
  config.layout.item_table = "i.item";
  config.layout.item_table_header = {"item_id"};
  EXPECT_THAT(
      config.Problems(),
      ElementsAre(HasSubstr("users_header: expected nothing (users_header=), as u.parquet has"),
                  HasSubstr("item_table_header: expected nothing (item_table_header=), as i.item has")));
  config.users = "u.tsv.gz";
  EXPECT_THAT(
      config.Problems(),
      ElementsAre(HasSubstr("item_table_header: expected nothing (item_table_header=), as i.item has")));
  config.layout.item_table = "ECommAI_ubp_round1_item_feature";  // as the log is: a plain table
  EXPECT_THAT(config.Problems(), ElementsAre());
  config.format = InputFormat::kItemLines;  // whose items stand in a plain table too
  config.users = "";
  EXPECT_THAT(config.Problems(), ElementsAre());
  config.format = InputFormat::kParquet;
  EXPECT_THAT(config.Problems(),
              ElementsAre(HasSubstr("item_table_header: expected nothing (item_table_header=), as ECommAI")));
}

// However the path is spelled, and for each file of a list.
TEST(RawLayout, AnInputIsNeverOverwritten) {
  TinyCase prepare("1,2\n3\n");
  prepare.config.format = InputFormat::kItemLines;
  prepare.config.profile_columns = {"gender", "age"};
  test::WriteBytes(prepare.folder / "gender.csv", "1,2,,1\n");
  test::WriteBytes(prepare.folder / "age.csv", "1,2,,1\n");
  prepare.config.users = prepare.folder / "gender.csv" + "," + (prepare.folder / "age.csv");
  for (const std::string& name :
       {std::string("age.csv"), std::string("./gender.csv"), std::string("clicks.csv"),
        "../" + std::filesystem::path(prepare.folder.path()).filename().string() + "/age.csv"}) {
    prepare.config.output = prepare.folder / name;
    EXPECT_THAT([&] { Prepare(prepare.config); },
                ThrowsMessage<ConfigError>(HasSubstr("output: expected another file than the inputs")));
  }
  EXPECT_EQ(test::BytesOfFile(prepare.folder / "age.csv"), "1,2,,1\n");
}

// An import of hours does not end with a typo in the name of its last file.
TEST(RawLayout, EveryInputIsOpenedBeforeTheFirstRow) {
  const std::string bad_log = "user_id,item_id,timestamp\n1,2,noon\n";
  TinyCase table(bad_log);
  table.config.users = table.folder / "nobody.csv";
  EXPECT_THAT([&] { Prepare(table.config); }, ThrowsMessage<StorageError>(HasSubstr("nobody.csv")));
  table.AddProfiles("user_id,age\n1,2\n", "p.csv");
  table.config.layout.buckets = {{"income", 10}};
  EXPECT_THAT([&] { Prepare(table.config); }, ThrowsMessage<DataError>(HasSubstr("p.csv: header")));

  TinyCase lines("1,2\n,\n");
  lines.config.format = InputFormat::kItemLines;
  lines.config.layout.targets = lines.folder / "no_targets.csv";
  EXPECT_THAT([&] { Prepare(lines.config); }, ThrowsMessage<StorageError>(HasSubstr("no_targets.csv")));
  lines.config.profile_columns = {"gender"};
  lines.config.users = lines.folder / "no_labels.csv";
  EXPECT_THAT([&] { Prepare(lines.config); }, ThrowsMessage<StorageError>(HasSubstr("no_labels.csv")));
}

TEST(ItemLines, AByteOrderMarkIsNoPartOfTheFirstUser) {
  TinyCase prepare(
      "\xEF\xBB\xBF"
      "1,2\n3\n");
  prepare.config.format = InputFormat::kItemLines;
  EXPECT_THAT(HistoriesById(prepare.Run()), UnorderedElementsAre(Pair(UserIdOf("1,2"), ElementsAre("1", "2")),
                                                                 Pair(UserIdOf("3"), ElementsAre("3"))));
}

TEST(ItemLines, RepeatedLabelsOfStrangersCount) {
  TinyCase prepare("1,2\n3\n");
  prepare.config.format = InputFormat::kItemLines;
  prepare.config.profile_columns = {"gender"};
  prepare.AddProfiles("1,2,,1\n9,9,,2\n9,9,,2\n", "gender.csv");
  prepare.Run();
  EXPECT_EQ(prepare.report.repeated_profiles, 1);
  EXPECT_EQ(prepare.report.profiles_without_clicks, 1);
}

struct BadLayout {
  std::string name, text;
  std::vector<std::string> messages;
  std::function<void(PrepareConfig*)> change;
};

TEST(RawLayout, WhatCannotBeReadIsRefusedWithItsPlace) {
  const auto no_header = [](PrepareConfig* config) {
    config->layout.interactions_header = {"user_id", "item_id", "timestamp"};
  };
  const auto lines = [](PrepareConfig* config) { config->format = InputFormat::kItemLines; };
  const std::vector<BadLayout> cases = {
      {"short.csv",
       "1,2,3\n4,5\n",
       {"row 2", "expected 3 columns, for which it has names", "found 2"},
       no_header},
      {"narrow.csv", "1,2\n4,5\n", {"row 1", "expected 3 columns", "found 2"}, no_header},
      {"time.csv", "1,2,x\n", {"row 1, column timestamp"}, no_header},
      {"item.csv", "1,,3\n", {"row 1, column item_id", "empty cell"}, no_header},
      {"action.csv",
       "user_id,item_id,timestamp\n1,2,3\n",
       {"expected a column act", "--action_column"},
       [](PrepareConfig* config) {
         config->layout.action_column = "act";
         config->layout.actions = {"pv"};
       }},
      {"nothing.csv",
       "user_id,item_id,timestamp,act\n1,2,3,pv\n1,2,4,buy\n",
       {"none among 2 rows", "another action: 2"},
       [](PrepareConfig* config) {
         config->layout.action_column = "act";
         config->layout.actions = {"click"};
       }},
      {"parts.csv",
       "user_id,cate,timestamp\n1,2,3\n",
       {"expected a column brand", "--item_from"},
       [](PrepareConfig* config) {
         config->layout.item_from = {"cate", "brand"};
       }},
      {"gap.csv", "1,2,,3,,4\n", {"line 1", "one empty field"}, lines},
      {"start.csv", "1,2\n,1,2\n", {"line 2", "one empty field"}, lines},
      {"end.csv", "1,2,\n", {"line 1", "one empty field"}, lines},
      {"no_target.csv", "1,2,,\n", {"line 1", "one empty field"}, lines},
  };
  for (const BadLayout& bad : cases) {
    TinyCase prepare(bad.text, bad.name);
    bad.change(&prepare.config);
    const std::set<std::string> before = prepare.Files();
    try {
      Prepare(prepare.config);
      ADD_FAILURE() << bad.name << " was accepted";
    } catch (const DataError& error) {
      for (const std::string& message : bad.messages)
        EXPECT_THAT(error.what(), HasSubstr(message)) << bad.name;
    }
    EXPECT_EQ(prepare.Files(), before) << bad.name;
  }
}

TEST(RawLayout, LabelsMustBeOneALine) {
  TinyCase prepare("1,2\n3\n");
  prepare.config.format = InputFormat::kItemLines;
  prepare.config.profile_columns = {"gender"};
  for (const char* bad : {"1,2,,1,2\n", "1,2\n"}) {
    prepare.AddProfiles(bad, "gender.csv");
    try {
      Prepare(prepare.config);
      ADD_FAILURE() << bad;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr("gender.csv: row 1, column gender: expected"));
    }
  }
}

TEST(RawLayout, NamesEveryProblemAtOnce) {
  PrepareConfig config;
  config.interactions = "a.parquet";
  config.users = "u.csv";
  config.output = "o.h5";
  config.profile_columns = {"age"};
  RawLayout& layout = config.layout;
  layout.interactions_header = {"a", "a"};
  layout.actions = {"pv"};
  layout.first_time = 2;
  layout.last_time = 1;
  layout.user_share = 0;
  layout.item_filter_column = "kind";
  layout.item_table_id_column = "id";
  layout.buckets = {{"age", 0}, {"age", 2}, {"income", 3}};
  layout.targets = "o.h5";
  const std::vector<std::string> problems = config.Problems();
  for (const char* problem :
       {"interactions_header: expected each column once", "interactions_header: expected --format=delimited",
        "actions: expected --action_column beside it, found none", "first_time: expected at most --last_time",
        "user_share: expected a number above 0",
        "item_filter_column: expected --item_filter_values beside it",
        "item_filter_column: expected a table of items beside it", "item_table_id_column: expected a table",
        "buckets: expected widths", "buckets: expected each field once", "found income",
        "targets: expected --format=item_lines beside it", "output: expected another file"}) {
    EXPECT_THAT(problems, Contains(HasSubstr(problem)));
  }
}

TEST(RawLayout, LinesTakeNoColumns) {
  PrepareConfig config;
  config.interactions = "a.csv";
  config.output = "o.h5";
  config.format = InputFormat::kItemLines;
  config.users = "g.csv,a.csv";
  config.profile_columns = {"gender"};
  config.layout.first_time = 1;
  EXPECT_THAT(config.Problems(), ElementsAre(HasSubstr("format: expected item_lines without columns"),
                                             HasSubstr("(1), found 2")));
  config.format = InputFormat::kUserLines;
  config.users = "g.csv";
  EXPECT_THAT(config.Problems(), ElementsAre(HasSubstr("format: expected user_lines with none")));
}

// The bytes do not depend on how a log was cut into runs, also where rows are filtered and items renamed.
TEST(RawLayout, SameBytesForEveryBudget) {
  std::string text = "user_id,item_id,timestamp,action\n";
  const RandomKey key = MakeRandomKey(4, RandomSite::kTest);
  for (uint64_t row = 0; row < 9000; ++row) {
    const RandomKey one = key.With(row);
    text += std::to_string(one.Below(200, 0)) + "," + std::to_string(one.Below(90, 1)) + "," +
            std::to_string(one.Below(1000, 2)) + "," + (one.Below(3, 3) ? "pv" : "buy") + "\n";
  }
  const auto bytes_with = [&](int64_t memory_bytes, int32_t num_threads) {
    PrepareCase prepare(text, "clicks.csv");
    prepare.config.memory_bytes = memory_bytes;
    prepare.config.num_threads = num_threads;
    prepare.config.layout.action_column = "action";
    prepare.config.layout.actions = {"pv"};
    prepare.config.layout.user_share = 0.8;
    Prepare(prepare.config);
    return test::BytesOfFile(prepare.config.output);
  };
  const std::string expected = bytes_with(int64_t{1} << 30, 1);
  EXPECT_TRUE(bytes_with(1, 3) == expected);
}

}  // namespace
}  // namespace ppr::data
