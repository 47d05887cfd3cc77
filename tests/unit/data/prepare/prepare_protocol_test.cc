// Protocols, orders, filters and profiles of Prepare() on logs small enough to count by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "data/text_hash.h"
#include "support/dataset_by_id.h"
#include "unit/data/prepare/prepare_case.h"

namespace ppr::data {
namespace {

using test::Case;
using test::CasesById;
using test::HistoriesById;
using test::PrepareCase;
using test::ProfilesById;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr char kHeader[] = "user_id:token\titem_id:token\ttimestamp:float\n";

// ann: 3 clicks, bob: 5, cyd: 1. Rows are not in order of time; item ids "1" and "01" are two items.
const std::string kThreeUsers = std::string(kHeader) +
                                "bob\t1\t50\n"
                                "ann\t01\t30\n"
                                "bob\t2\t10\n"
                                "bob\t3\t20\n"
                                "ann\t2\t10\n"
                                "cyd\t4\t5\n"
                                "bob\t01\t30\n"
                                "ann\t5\t20\n"
                                "bob\t2\t40\n";

TEST(Threshold, UsersWithFewClicksAreCold) {
  PrepareCase prepare(kThreeUsers);
  prepare.config.protocol = Protocol::kThreshold;
  prepare.config.cold_threshold = 4;
  prepare.config.cold_train_share = prepare.config.cold_dev_share = 0;  // all cold users are for the test
  const Dataset dataset = prepare.Run();

  EXPECT_EQ(dataset.protocol, Protocol::kThreshold);
  EXPECT_THAT(dataset.user_ids, ElementsAre("bob", "ann", "cyd"));                // order of first appearance
  EXPECT_THAT(dataset.item_ids, ElementsAre("", "1", "01", "2", "3", "4", "5"));  // 0 is padding
  EXPECT_THAT(dataset.offsets, ElementsAre(0, 5, 8, 9));
  EXPECT_THAT(dataset.items, ElementsAre(3, 4, 2, 3, 1, /*ann*/ 3, 6, 2, /*cyd*/ 5));
  EXPECT_THAT(dataset.times, ElementsAre(10, 20, 30, 40, 50, 10, 20, 30, 5));
  EXPECT_THAT(dataset.user_part, ElementsAre(UserPart::kWarm, UserPart::kColdTest, UserPart::kColdTest));
  EXPECT_THAT(dataset.train_length, ElementsAre(4, 0, 0));
  EXPECT_THAT(CasesById(dataset),
              ElementsAre(Case{CasePart::kWarmDev, "bob", 4}, Case{CasePart::kColdTest, "ann", 0},
                          Case{CasePart::kColdTest, "ann", 1}, Case{CasePart::kColdTest, "ann", 2},
                          Case{CasePart::kColdTest, "cyd", 0}));
  const PrepareReport& report = prepare.report;
  EXPECT_EQ(report.rows_read, 9);
  EXPECT_EQ(report.rows_kept, 9);
  EXPECT_EQ(report.users, 3);
  EXPECT_EQ(report.items, 6);
  EXPECT_EQ(report.warm_users, 1);
  EXPECT_EQ(report.cold_test_users, 2);
  EXPECT_EQ(report.cold_train_users + report.cold_dev_users, 0);
}

TEST(Threshold, ColdTrainUsersAreSeenWholeAndNeverEvaluated) {
  PrepareCase prepare(kThreeUsers);
  prepare.config.protocol = Protocol::kThreshold;
  prepare.config.cold_threshold = 4;
  prepare.config.cold_train_share = 1;
  prepare.config.cold_dev_share = 0;
  prepare.config.max_warm_dev_users = 0;
  const Dataset dataset = prepare.Run();
  EXPECT_THAT(dataset.user_part, ElementsAre(UserPart::kWarm, UserPart::kColdTrain, UserPart::kColdTrain));
  EXPECT_THAT(dataset.train_length, ElementsAre(5, 3, 1));
  EXPECT_EQ(dataset.cases.size(), 0);
}

TEST(LeaveOneOut, LastClickIsTestTheOneBeforeValidation) {
  PrepareCase prepare(kThreeUsers + "dan\t1\t1\ndan\t2\t2\n");
  prepare.config.protocol = Protocol::kLeaveOneOut;
  const Dataset dataset = prepare.Run();
  EXPECT_THAT(dataset.user_ids, ElementsAre("bob", "ann", "cyd", "dan"));
  EXPECT_THAT(dataset.user_part, ::testing::Each(UserPart::kWarm));
  // Users with fewer than three clicks train whole and have no case.
  EXPECT_THAT(dataset.train_length, ElementsAre(3, 1, 1, 2));
  EXPECT_THAT(CasesById(dataset),
              ElementsAre(Case{CasePart::kValidation, "bob", 3}, Case{CasePart::kValidation, "ann", 1},
                          Case{CasePart::kTest, "bob", 4}, Case{CasePart::kTest, "ann", 2}));
}

TEST(LeaveOneOut, ReadsUserLines) {
  PrepareCase prepare("7 a b  c\n\n8 b\td\r\n7 e\n9 c a d", "sequences.txt");
  prepare.config.protocol = Protocol::kLeaveOneOut;
  const Dataset dataset = prepare.Run();
  EXPECT_THAT(HistoriesById(dataset),
              ElementsAre(Pair("7", ElementsAre("a", "b", "c", "e")), Pair("8", ElementsAre("b", "d")),
                          Pair("9", ElementsAre("c", "a", "d"))));
  EXPECT_THAT(dataset.train_length, ElementsAre(2, 2, 1));
  EXPECT_THAT(dataset.times, ::testing::Each(0));
  EXPECT_EQ(prepare.report.rows_read, 9);
  EXPECT_EQ(prepare.report.tied_rows, 0);  // without times nothing is called a tie
  EXPECT_EQ(prepare.report.duplicates, 0);
}

// 60 users with 6 clicks each, all on common items but the last, which is the user's own.
std::string ManyUsers() {
  std::string text = kHeader;
  for (int user = 0; user < 60; ++user) {
    for (int click = 0; click < 6; ++click) {
      const std::string item =
          click == 5 ? "own" + std::to_string(user) : "common" + std::to_string((user + click) % 8);
      text += "u" + std::to_string(user) + "\t" + item + "\t" + std::to_string(click) + "\n";
    }
  }
  return text;
}

// The target domain of two: pre-training has the source domain.
TEST(Holdout, AShareOfOneMakesEveryUserCold) {
  PrepareCase prepare(ManyUsers());
  prepare.config.holdout_share = 1;
  prepare.config.cold_clicks = 100;
  const Dataset dataset = prepare.Run();
  EXPECT_EQ(prepare.report.warm_users, 0);
  EXPECT_EQ(prepare.report.rows_kept, 60 * 6);
  EXPECT_GT(prepare.report.cold_train_users, 0);
  EXPECT_EQ(prepare.report.cold_train_users + prepare.report.cold_dev_users + prepare.report.cold_test_users,
            60);
  for (const CasePart part : dataset.cases.part) EXPECT_NE(part, CasePart::kWarmDev);
}

TEST(Holdout, ColdUsersAreDrawnByIdAndKeepTheirFirstClicks) {
  PrepareCase prepare(ManyUsers());
  prepare.config.holdout_share = 0.4;
  prepare.config.cold_clicks = 2;
  prepare.config.seed = 11;
  prepare.config.cold_train_share = 0.5;
  prepare.config.cold_dev_share = 0.2;
  prepare.config.max_warm_dev_users = 7;
  const Dataset dataset = prepare.Run();

  const RandomKey cold_key = MakeRandomKey(11, RandomSite::kColdUser),
                  part_key = MakeRandomKey(11, RandomSite::kColdPart);
  int64_t num_cold = 0, num_warm_dev = 0;
  ASSERT_EQ(dataset.num_users(), 60);
  for (int64_t user = 0; user < 60; ++user) {
    const uint64_t hash = TextHash(dataset.user_ids[user]);
    const auto length = static_cast<int32_t>(dataset.history(user).size());
    const double draw = part_key.Uniform(hash);
    if (cold_key.Uniform(hash) < 0.4) {
      ++num_cold;
      EXPECT_EQ(length, 2);
      EXPECT_EQ(dataset.user_part[user], draw < 0.5   ? UserPart::kColdTrain
                                         : draw < 0.7 ? UserPart::kColdDev
                                                      : UserPart::kColdTest);
      EXPECT_EQ(dataset.train_length[user], draw < 0.5 ? 2 : 0);
    } else {
      EXPECT_EQ(length, 6);
      EXPECT_EQ(dataset.user_part[user], UserPart::kWarm);
      num_warm_dev += 6 - dataset.train_length[user];
    }
  }
  EXPECT_EQ(num_warm_dev, 7);
  EXPECT_GT(num_cold, 10);
  EXPECT_EQ(prepare.report.rows_dropped_cropped, 4 * num_cold);
  EXPECT_EQ(prepare.report.rows_kept, 360 - 4 * num_cold);
  // Items that only cropped rows clicked are not in the vocabulary.
  EXPECT_EQ(prepare.report.items, 8 + 60 - num_cold);
  EXPECT_EQ(dataset.cases.size(), 7 + 2 * (prepare.report.cold_dev_users + prepare.report.cold_test_users));
}

// Adding users or reordering rows of others moves nobody between parts, and keeps the warm users chosen for
// validation.
TEST(Holdout, PartsDoNotDependOnOtherUsers) {
  PrepareCase one(ManyUsers()),
      more(std::string(kHeader) + "new1\tx\t1\nnew2\ty\t1\n" + ManyUsers().substr(sizeof(kHeader) - 1));
  const Dataset a = one.Run(), b = more.Run();
  for (int64_t user = 0; user < a.num_users(); ++user) {
    const auto found = std::find(b.user_ids.begin(), b.user_ids.end(), a.user_ids[user]) - b.user_ids.begin();
    EXPECT_EQ(b.user_part[found], a.user_part[user]);
  }
}

TEST(Holdout, WarmDevelopmentUsersHaveTheSmallestHashes) {
  PrepareCase prepare(ManyUsers());
  prepare.config.max_warm_dev_users = 5;
  const Dataset dataset = prepare.Run();
  const RandomKey key = MakeRandomKey(1, RandomSite::kWarmDevUser);
  std::vector<std::pair<uint64_t, std::string>> warm;
  for (int64_t user = 0; user < dataset.num_users(); ++user) {
    if (dataset.user_part[user] == UserPart::kWarm)
      warm.emplace_back(key.Bits(TextHash(dataset.user_ids[user])), dataset.user_ids[user]);
  }
  std::sort(warm.begin(), warm.end());
  std::vector<std::string> chosen;
  for (const Case& one : CasesById(dataset)) {
    if (one.part == CasePart::kWarmDev) chosen.push_back(one.user);
  }
  EXPECT_THAT(chosen, UnorderedElementsAre(warm[0].second, warm[1].second, warm[2].second, warm[3].second,
                                           warm[4].second));
}

// amy at time 5: x, y, x, z, x; at time 9: y. ben and zoe: no ties. zoe's q is a candidate for all others.
const std::string kTies = std::string(kHeader) +
                          "amy\tx\t5\namy\ty\t9\namy\ty\t5\namy\tx\t5\nben\tx\t5\namy\tz\t5\namy\tx\t5\n"
                          "ben\ty\t6\nben\tz\t7\nzoe\tq\t1\n";

TEST(Ties, FileOrderIsKeptAndCounted) {
  PrepareCase prepare(kTies);
  prepare.config.protocol = Protocol::kLeaveOneOut;
  EXPECT_THAT(HistoriesById(prepare.Run())["amy"], ElementsAre("x", "y", "x", "z", "x", "y"));
  EXPECT_EQ(prepare.report.tied_rows, 5);
  EXPECT_EQ(prepare.report.cold_tied_rows, 0);
  EXPECT_EQ(prepare.report.duplicates, 2);
  EXPECT_EQ(prepare.report.rows_dropped_duplicate, 0);
  EXPECT_EQ(prepare.report.rows_kept, 10);
}

TEST(Ties, DuplicatesAreDroppedOnRequest) {
  PrepareCase prepare(kTies);
  prepare.config.protocol = Protocol::kLeaveOneOut;
  prepare.config.drop_duplicates = true;
  EXPECT_THAT(HistoriesById(prepare.Run())["amy"], ElementsAre("x", "y", "z", "y"));
  EXPECT_EQ(prepare.report.duplicates, 2);
  EXPECT_EQ(prepare.report.rows_dropped_duplicate, 2);
  EXPECT_EQ(prepare.report.rows_kept, 8);
  EXPECT_EQ(prepare.report.tied_rows, 3);
}

TEST(Ties, OfColdUsersAreCountedAmongTheKeptRows) {
  PrepareCase prepare(kTies);
  prepare.config.protocol = Protocol::kThreshold;
  prepare.config.cold_threshold = 4;  // ben and zoe are cold and have no ties
  prepare.Run();
  EXPECT_EQ(prepare.report.cold_tied_rows, 0);
  PrepareCase turned(kTies + "ben\tw\t7\ncid\tx\t1\ncid\ty\t1\n");
  turned.config.protocol = Protocol::kThreshold;
  turned.config.cold_threshold = 5;
  turned.Run();
  EXPECT_EQ(turned.report.tied_rows, 5 + 2 + 2);
  EXPECT_EQ(turned.report.cold_tied_rows, 2 + 2);
}

TEST(Ties, HashedOrderDoesNotDependOnTheOrderOfRows) {
  std::vector<std::string> rows;
  for (int user = 0; user < 10; ++user) {
    for (int item = 0; item < 12; ++item) {
      rows.push_back("u" + std::to_string(user) + "\ti" + std::to_string(item) + "\t" +
                     std::to_string(item / 6) + "\n");
    }
  }
  const auto histories_of = [&](uint64_t seed) {
    std::string text = kHeader;
    for (const std::string& row : rows) text += row;
    text += "zoe\tother\t0\n";  // a candidate for all others
    PrepareCase prepare(text);
    prepare.config.protocol = Protocol::kLeaveOneOut;
    prepare.config.ties = TieOrder::kHash;
    prepare.config.seed = seed;
    return HistoriesById(prepare.Run());
  };
  const auto forward = histories_of(1);
  std::reverse(rows.begin(), rows.end());
  EXPECT_EQ(histories_of(1), forward);
  EXPECT_NE(histories_of(2), forward);
  // Time comes before the hash, users differ, and the order is neither that of the file nor its reverse.
  auto sorted = forward.at("u0");
  std::sort(sorted.begin(), sorted.begin() + 6);
  EXPECT_THAT(std::vector<std::string>(sorted.begin(), sorted.begin() + 6),
              ElementsAre("i0", "i1", "i2", "i3", "i4", "i5"));
  EXPECT_NE(forward.at("u0"), forward.at("u1"));
}

TEST(Ties, HashedOrderMixesRepeatsOfAnItem) {
  std::string text = std::string(kHeader) + "zoe\tother\t0\n";
  for (int repeat = 0; repeat < 20; ++repeat) text += "amy\tx\t5\namy\ty\t5\n";
  PrepareCase prepare(text);
  prepare.config.protocol = Protocol::kLeaveOneOut;
  prepare.config.ties = TieOrder::kHash;
  const std::vector<std::string> order = HistoriesById(prepare.Run())["amy"];
  int changes = 0;
  for (size_t i = 1; i < order.size(); ++i) changes += order[i] != order[i - 1] ? 1 : 0;
  // 39 neighbours, each different with p = 20/39: 20 on average, deviation 3.1. One block of each gives 1,
  // the file 39.
  EXPECT_GE(changes, 8);
  EXPECT_LE(changes, 32);
}

TEST(Filters, RatingsAndMissingCellsAreDroppedAndCounted) {
  PrepareCase prepare(
      "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
      "a\tx\t3.5\t1\na\ty\t5\t2\na\tz\t4\t3\na\tw\t\t4\na\tv\t5\t\na\tu\t-"
      "1\t9\na\tt\t1e1\t5\nb\tr\t1\t1\nc\tq\t4\t1\n");
  prepare.config.protocol = Protocol::kLeaveOneOut;
  prepare.config.rating_column = "rating";
  prepare.config.min_rating = 4;
  const Dataset dataset = prepare.Run();
  EXPECT_THAT(HistoriesById(dataset), ElementsAre(Pair("a", ElementsAre("y", "z", "t")),
                                                  Pair("c", ElementsAre("q"))));  // b is gone, and x, r too
  EXPECT_THAT(dataset.item_ids, ElementsAre("", "y", "z", "t", "q"));
  EXPECT_EQ(prepare.report.rows_read, 9);
  EXPECT_EQ(prepare.report.rows_kept, 4);
  EXPECT_EQ(prepare.report.dropped.rating, 3);
  EXPECT_EQ(prepare.report.dropped.missing, 2);
}

// With 2 clicks for users and items: item p goes, then user c (one click left), then item q, and then it is
// stable.
TEST(Filters, CoreIsAppliedUntilStable) {
  PrepareCase prepare(
      std::string(kHeader) +
      "c\tp\t1\nc\tq\t2\na\tq\t3\na\tr\t4\na\ts\t5\na\tr\t6\nb\ts\t1\nb\tr\t2\nb\ts\t3\nd\tt\t1\nd\tt\t2\n");
  prepare.config.protocol = Protocol::kLeaveOneOut;
  prepare.config.min_user_clicks = prepare.config.min_item_clicks = 2;
  const Dataset dataset = prepare.Run();
  EXPECT_THAT(HistoriesById(dataset),
              ElementsAre(Pair("a", ElementsAre("r", "s", "r")), Pair("b", ElementsAre("s", "r", "s")),
                          Pair("d", ElementsAre("t", "t"))));
  EXPECT_THAT(dataset.user_ids, ElementsAre("a", "b", "d"));
  EXPECT_THAT(dataset.item_ids, ElementsAre("", "r", "s", "t"));
  EXPECT_EQ(prepare.report.rows_dropped_core, 3);
  EXPECT_EQ(prepare.report.rows_kept, 8);
}

TEST(Profiles, CodesVocabulariesAndCounts) {
  PrepareCase prepare(kThreeUsers);
  prepare.config.protocol = Protocol::kLeaveOneOut;
  // eve has no clicks (twice), bob a second row that does not count, cyd no row, ann no city.
  prepare.AddProfiles(
      "city:token\tuser_id:token\tage:float\n"
      "york\teve\t80\noslo\tbob\t9\nrome\tbob\t1\n\tann\t10\nbonn\teve\t2\n");
  const Dataset dataset = prepare.Run();
  EXPECT_THAT(ProfilesById(dataset),
              ElementsAre(Pair("ann", ElementsAre("", "10")), Pair("bob", ElementsAre("oslo", "9")),
                          Pair("cyd", ElementsAre("", ""))));
  ASSERT_EQ(dataset.num_fields(), 2);
  EXPECT_EQ(dataset.fields[0].name, "city");
  EXPECT_THAT(dataset.fields[0].values, ElementsAre("", "oslo"));     // of kept users only
  EXPECT_THAT(dataset.fields[1].values, ElementsAre("", "10", "9"));  // in the order of bytes
  EXPECT_THAT(dataset.profiles, ElementsAre(1, 2, 0, 1, 0, 0));
  EXPECT_EQ(prepare.report.users_without_profile, 1);
  EXPECT_EQ(prepare.report.profiles_without_clicks, 1);
  EXPECT_EQ(prepare.report.repeated_profiles, 2);
}

TEST(Profiles, ChosenColumnsInTheOrderAskedFor) {
  PrepareCase prepare(kThreeUsers);
  prepare.config.protocol = Protocol::kLeaveOneOut;
  prepare.AddProfiles("user_id,a,b,c \nbob,1,2,3\nann,4,5,6\n", "people.csv");
  prepare.config.profile_columns = {"c", "a"};
  const Dataset dataset = prepare.Run();
  EXPECT_EQ(dataset.fields[0].name, "c");  // the blank at the end of the header is not part of the name
  EXPECT_THAT(ProfilesById(dataset)["ann"], ElementsAre("6", "4"));
}

TEST(Profiles, UsersDroppedFromTheLogCountAsProfilesWithoutClicks) {
  PrepareCase prepare(kThreeUsers);
  prepare.config.protocol = Protocol::kLeaveOneOut;
  prepare.config.min_user_clicks = 2;  // cyd goes
  prepare.AddProfiles("user_id:token\tage:token\ncyd\t1\nbob\t2\n");
  const Dataset dataset = prepare.Run();
  EXPECT_THAT(dataset.fields[0].values, ElementsAre("", "2"));
  EXPECT_EQ(prepare.report.profiles_without_clicks, 1);
  EXPECT_EQ(prepare.report.users_without_profile, 1);
}

TEST(Candidates, AreNeverTheUsersOwnAcrossChunksOfTheFile) {
  // More clicks than are written at a time, so that cases lie in several chunks.
  std::string text;
  const RandomKey key = MakeRandomKey(2, RandomSite::kTest);
  for (uint64_t user = 0; user < 11'000; ++user) {
    text += std::to_string(user);
    for (uint64_t click = 0; click < 100; ++click)
      text += " " + std::to_string(key.With(user).Below(400, click));
    text += "\n";
  }
  PrepareCase prepare(text, "long.txt");
  prepare.config.protocol = Protocol::kLeaveOneOut;
  prepare.config.num_candidates = 9;
  const Dataset dataset = prepare.Run();
  ASSERT_EQ(dataset.items.size(), 1'100'000u);
  ASSERT_EQ(dataset.cases.size(), 22'000);
  std::vector<int64_t> marked_by(static_cast<size_t>(dataset.num_items()) + 1, -1);
  for (int64_t i = 0; i < dataset.cases.size(); ++i) {
    for (const int32_t item : dataset.history(dataset.cases.user[i])) marked_by[item] = i;
    for (const int32_t item : dataset.cases.candidates_of(i)) {
      ASSERT_NE(marked_by[item], i) << "case " << i << " has item " << item << " twice or the user's own";
      marked_by[item] = i;
    }
  }
}

TEST(Report, TextNamesEveryCount) {
  PrepareReport report;
  report.rows_read = 1234567;
  report.cold_tied_rows = 42;
  report.users_without_profile = 77;
  EXPECT_THAT(report.ToText(), HasSubstr("1,234,567"));
  EXPECT_THAT(report.ToText(), HasSubstr("42"));
  EXPECT_THAT(report.ToText(), HasSubstr("77"));
}

TEST(Report, ProvenanceTellsSourceSettingsAndCountsButNoPath) {
  PrepareCase prepare(kThreeUsers);
  prepare.config.protocol = Protocol::kLeaveOneOut;
  prepare.config.seed = 99;
  const std::string provenance = prepare.Run().provenance_json;
  for (const char* part :
       {"\"name\": \"clicks.inter\"", "\"seed\": 99", "\"rows_read\": 9", "\"leave_one_out\"",
        "\"order\": \"time, then file\"", "\"format\": \"atomic\"", "\"cases\": 4"}) {
    EXPECT_THAT(provenance, HasSubstr(part));
  }
  EXPECT_THAT(provenance, HasSubstr("\"size_bytes\": " + std::to_string(kThreeUsers.size())));
  EXPECT_THAT(provenance, ::testing::Not(HasSubstr(prepare.folder.path())));
}

}  // namespace
}  // namespace ppr::data
