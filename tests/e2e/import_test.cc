// `ppr prepare --source=...` on raw files in the layouts of the paper's datasets: every count, every history
// and every attribute is checked against what was counted by hand in tests/support/raw_files.py.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <regex>
#include <set>

#include "cli_program.h"
#include "data/dataset.h"
#include "data/input/item_lines_reader.h"
#include "data/sources/sources.h"
#include "support/dataset_by_id.h"

namespace ppr::e2e {
namespace {

using test::HistoriesById;
using test::ProfilesById;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

using Words = std::vector<std::string>;

class Import : public CliTest {
 protected:
  // Raw files of `kind` in the scratch folder; `more`: arguments of the generator.
  void Generate(const std::string& kind, const Words& more = {}) const {
    Words words = {"/usr/bin/env", "python3", PPR_SOURCE_DIR "/tests/support/raw_files.py", kind,
                   folder_.string()};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult result = Program(words, folder_).Wait();
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  // Runs prepare and keeps its report.
  data::Dataset Prepare(const Words& flags) {
    Words words = {"prepare", "--output=data.h5", "--num_candidates=1"};
    words.insert(words.end(), flags.begin(), flags.end());
    const ProgramResult result = RunPpr(words, folder_);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    report_ = result.out;
    EXPECT_EQ(Count("read"), Count("kept") + DroppedRows()) << report_;  // every row is accounted for, once
    return data::ReadDataset((folder_ / "data.h5").string());
  }
  // The number that the report says for `name`; -1 when it does not say.
  int64_t Count(const std::string& name) const {
    const std::regex line("\n  " + name + " +([0-9,]+)\n");
    std::smatch match;
    if (!std::regex_search(report_, match, line)) return -1;
    std::string digits = match[1];
    std::erase(digits, ',');
    return std::stoll(digits);
  }
  int64_t DroppedRows() const {
    const std::regex line("\n  dropped: [^\n]*? +([0-9,]+)(?=\n)");
    int64_t sum = 0;
    for (std::sregex_iterator match(report_.begin(), report_.end(), line), end; match != end; ++match) {
      std::string digits = (*match)[1];
      std::erase(digits, ',');
      sum += std::stoll(digits);
    }
    return sum;
  }
  void ExpectCounts(const std::vector<std::pair<std::string, int64_t>>& counts) const {
    for (const auto& [name, count] : counts) EXPECT_EQ(Count(name), count) << name << "\n" << report_;
  }

  std::string report_;
};

TEST_F(Import, Cikm) {
  Generate("cikm");
  const data::Dataset dataset =
      Prepare({"--source=cikm", "--interactions=user_behavior.csv", "--users=user.csv"});
  ExpectCounts({{"read", 41},
                {"kept", 34},
                {"dropped: another action", 5},
                {"dropped: outside the time window", 2},
                {"repeat a \\(user, item, time\\)", 1},
                {"share user and time \\(ties\\)", 4},
                {"of these, of cold users", 2},
                {"all", 4},
                {"warm", 2},
                {"without a profile", 1},
                {"profiles without clicks", 2},
                {"repeated profiles \\(first counts\\)", 1}});
  EXPECT_EQ(dataset.num_items(), 15);
  EXPECT_THAT(
      HistoriesById(dataset),
      ElementsAre(
          Pair("10", ElementsAre("200", "200", "201", "202", "203", "204", "205", "206", "207", "208", "209",
                                 "210", "211")),
          Pair("20", ElementsAre("205", "206", "207", "208", "209", "210", "211", "212", "213", "214")),
          Pair("30", ElementsAre("200", "201", "202", "203", "204", "205", "206", "207", "208")),
          Pair("40", ElementsAre("210", "201"))));
  EXPECT_THAT(ProfilesById(dataset),
              ElementsAre(Pair("10", ElementsAre("0", "20-29", "3")), Pair("20", ElementsAre("1", "", "9")),
                          Pair("30", ElementsAre("0", "10-19", "1")), Pair("40", ElementsAre("", "", ""))));
  EXPECT_THAT(dataset.provenance_json, HasSubstr("\"age\": 10"));
  EXPECT_EQ(dataset.user_part[0], data::UserPart::kWarm);
  EXPECT_EQ(dataset.user_part[1], data::UserPart::kWarm);  // ten clicks are not fewer than ten
}

TEST_F(Import, CikmItemsByCategoryOrFilteredByBrand) {
  Generate("cikm");
  const Words files = {"--source=cikm", "--interactions=user_behavior.csv", "--item_table=item.csv",
                       // Nobody is evaluated: two categories leave no candidates.
                       "--cold_threshold=5", "--max_warm_dev_users=0", "--cold_train_share=1",
                       "--cold_dev_share=0"};
  Words by_category = files;
  by_category.insert(by_category.end(), {"--item_from=category"});
  const data::Dataset categories = Prepare(by_category);
  // 207 is not in the table: users 10, 20 and 30 clicked it once each.
  ExpectCounts({{"kept", 31}, {"dropped: no item", 3}});
  EXPECT_THAT(categories.item_ids, UnorderedElementsAre("", "20", "21"));
  EXPECT_THAT(HistoriesById(categories).at("40"), ElementsAre("21", "20"));

  Words by_brand = files;
  by_brand.insert(by_brand.end(), {"--item_filter_column=brand", "--item_filter_values=1,2"});
  const data::Dataset brands = Prepare(by_brand);
  // Brands 1 and 2 are items 201, 202, 205, 206, 209, 210, 213 and 214.
  EXPECT_THAT(HistoriesById(brands),
              ElementsAre(Pair("10", ElementsAre("201", "202", "205", "206", "209", "210")),
                          Pair("20", ElementsAre("205", "206", "209", "210", "213", "214")),
                          Pair("30", ElementsAre("201", "202", "205", "206")),
                          Pair("40", ElementsAre("210", "201"))));
  ExpectCounts({{"kept", 18}, {"dropped: no item", 3}, {"dropped: another kind of item", 13}});
}

TEST_F(Import, CikmBehaviourPrediction) {
  Generate("cikm_ubp");
  const data::Dataset dataset = Prepare({"--source=cikm_ubp", "--interactions=ECommAI_ubp_round1_train",
                                         "--users=ECommAI_ubp_round1_user_feature"});
  ExpectCounts({{"read", 18},
                {"kept", 13},
                {"dropped: another action", 3},
                {"dropped: outside the time window", 2},
                {"share user and time \\(ties\\)", 12}});
  const std::vector<std::string> first_user = HistoriesById(dataset).at("u1");
  EXPECT_THAT(first_user, UnorderedElementsAre("i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8", "i9"));
  EXPECT_FALSE(std::is_sorted(first_user.begin(), first_user.end()));  // one day: ordered by a hash
  EXPECT_EQ(HistoriesById(dataset).at("u2").back(), "i3");             // the later day
  EXPECT_THAT(ProfilesById(dataset), ElementsAre(Pair("u1", ElementsAre("F", "[18,20]", "3.0")),
                                                 Pair("u2", ElementsAre("M", ">=60", ""))));
}

TEST_F(Import, QqBrowserHistoriesAndClicks) {
  Generate("qqbrowser");
  const data::Dataset dataset =
      Prepare({"--source=qqbrowser", "--interactions=original_desen_pretrain.csv",
               "--targets=original_desen_finetune_click_nouserID.csv",
               "--users=original_desen_gender.csv,original_desen_age.csv,original_desen_life_status.csv",
               "--protocol=threshold", "--cold_threshold=6"});
  const std::string a = "11,12,13,14,15,16,17,18,19,20,21,22", b = "31,32,33", c = "51,52,53,54,55,56",
                    d = "41,42";
  // Read: 12 + 3 + 12 + 6 of histories, 12 + 2, 2 + 1, 12 + 2 and 3 + 1 of targets. Repeated: a's history
  // three times, b's once, and a's targets once.
  ExpectCounts({{"read", 68}, {"kept", 27}, {"dropped: repeated lines", 12 * 3 + 3 + 2}, {"all", 4}});
  using data::UserIdOf;
  EXPECT_THAT(HistoriesById(dataset),
              UnorderedElementsAre(Pair(UserIdOf(a), ElementsAre("11", "12", "13", "14", "15", "16", "17",
                                                                 "18", "19", "20", "21", "22", "501", "502")),
                                   Pair(UserIdOf(b), ElementsAre("31", "32", "33", "504")),
                                   Pair(UserIdOf(c), ElementsAre("51", "52", "53", "54", "55", "56")),
                                   Pair(UserIdOf(d), ElementsAre("41", "42", "503"))));
  EXPECT_THAT(ProfilesById(dataset), UnorderedElementsAre(Pair(UserIdOf(a), ElementsAre("1", "4", "")),
                                                          Pair(UserIdOf(b), ElementsAre("", "3", "6")),
                                                          Pair(UserIdOf(c), ElementsAre("", "", "")),
                                                          Pair(UserIdOf(d), ElementsAre("2", "", ""))));
  // "9,9" and "8,8" are in no log; a has two ages.
  ExpectCounts({{"without a profile", 1},
                {"profiles without clicks", 2},
                {"repeated profiles \\(first counts\\)", 1}});
}

TEST_F(Import, QqBrowserHistoriesAndLikes) {
  Generate("qqbrowser");
  const data::Dataset dataset = Prepare({"--source=qqbrowser", "--interactions=original_desen_pretrain.csv",
                                         "--targets=original_desen_finetune_like_nouserID.csv",
                                         "--protocol=threshold", "--cold_threshold=6"});
  // 33 of histories, 3 + 1 and 3 + 2 of targets.
  ExpectCounts({{"read", 42}, {"kept", 27}, {"dropped: repeated lines", 12 + 3}});
  const auto histories = HistoriesById(dataset);
  EXPECT_THAT(histories.at(data::UserIdOf("31,32,33")), ElementsAre("31", "32", "33", "601"));
  EXPECT_THAT(histories.at(data::UserIdOf("71,72,73")), ElementsAre("71", "72", "73", "602", "603"));
}

// A fifth of the users is held out and keeps ten clicks; the targets come last.
TEST_F(Import, QqBrowserHoldsUsersOut) {
  Generate("qqbrowser", {"--users=400"});
  const data::Dataset dataset = Prepare({"--source=qqbrowser", "--interactions=original_desen_pretrain.csv",
                                         "--targets=original_desen_finetune_click_nouserID.csv"});
  int64_t cold_users = 0, most_clicks = 0;
  for (int64_t user = 0; user < dataset.num_users(); ++user) {
    if (dataset.user_part[user] == data::UserPart::kWarm) continue;
    ++cold_users;
    most_clicks = std::max(most_clicks, static_cast<int64_t>(dataset.history(user).size()));
  }
  // 0.207 of the users, of whom each is drawn by itself: within four standard deviations.
  const double users = static_cast<double>(dataset.num_users());
  EXPECT_NEAR(static_cast<double>(cold_users), 0.207 * users, 4 * std::sqrt(users * 0.207 * 0.793));
  EXPECT_EQ(most_clicks, 10);
  EXPECT_GT(Count("dropped: past a cold user's first"), 0);
}

TEST_F(Import, AliEc) {
  Generate("ali");
  const data::Dataset dataset =
      Prepare({"--source=aliec", "--interactions=behavior_log.csv", "--users=user_profile.csv"});
  ExpectCounts({{"read", 39},
                {"kept", 28},
                {"dropped: another action", 3},
                {"dropped: outside the time window", 4},
                {"dropped: no item", 2},
                {"dropped: duplicates", 2},
                {"all", 5},
                {"warm", 2},
                {"without a profile", 1},
                {"profiles without clicks", 1},
                {"repeated profiles \\(first counts\\)", 1}});
  EXPECT_THAT(
      HistoriesById(dataset),
      ElementsAre(
          Pair("1", ElementsAre("900", "901", "902", "903", "904", "905", "906", "907", "908", "909", "910")),
          Pair("2", ElementsAre("903", "904", "905", "906", "907", "908", "909", "910", "911", "912")),
          Pair("3", ElementsAre("900", "901", "902", "903")), Pair("5", ElementsAre("912")),
          Pair("6", ElementsAre("905", "904"))));
  EXPECT_EQ(dataset.fields.back().name, "new_user_class_level");  // without the blank of the header
  EXPECT_THAT(ProfilesById(dataset),
              ElementsAre(Pair("1", ElementsAre("96", "12", "2", "5", "", "3", "0", "")),
                          Pair("2", ElementsAre("0", "1", "1", "0", "2", "1", "1", "4")),
                          Pair("3", ElementsAre("7", "3", "2", "3", "", "3", "0", "2")),
                          Pair("5", ElementsAre("9", "3", "1", "3", "3", "3", "0", "")),
                          Pair("6", ElementsAre("", "", "", "", "", "", "", ""))));
}

TEST_F(Import, AliEcItemsOfCategoryAndBrand) {
  Generate("ali");
  const data::Dataset dataset =
      Prepare({"--source=aliec", "--interactions=behavior_log.csv", "--item_from=cate,brand"});
  EXPECT_THAT(HistoriesById(dataset).at("3"), ElementsAre("41/900", "41/901", "41/902", "41/903"));
  // The same brand in two categories at one second is two clicks now.
  ExpectCounts({{"kept", 29}, {"dropped: no item", 2}, {"dropped: duplicates", 1}});
  EXPECT_THAT(dataset.provenance_json,
              AllOf(HasSubstr("\"item\": \"cate/brand\""),
                    HasSubstr("overruled by --item_from=cate,brand: what an item is"),
                    Not(HasSubstr("overruled by --actions"))));
}

TEST_F(Import, AliAd) {
  Generate("ali");
  const data::Dataset dataset =
      Prepare({"--source=aliad", "--interactions=raw_sample.csv", "--users=user_profile.csv"});
  // Of 11 clicks of a user none is cut.
  ExpectCounts({{"read", 21},
                {"kept", 16},
                {"dropped: another action", 3},
                {"dropped: outside the time window", 2},
                {"dropped: past a cold user's first", 0},
                {"all", 3},
                {"warm", 0},
                {"without a profile", 1},
                {"profiles without clicks", 3}});
  EXPECT_THAT(HistoriesById(dataset),
              ElementsAre(Pair("1", ElementsAre("710", "709", "708", "707", "706", "705", "704", "703", "702",
                                                "701", "700")),
                          Pair("3", ElementsAre("702", "710", "720")), Pair("7", ElementsAre("705", "706"))));
}

TEST_F(Import, AliAdByBrandForUsersOfAliEc) {
  Generate("ali");
  Prepare({"--source=aliec", "--interactions=behavior_log.csv", "--users=user_profile.csv"});
  std::filesystem::rename(folder_ / "data.h5", folder_ / "aliec.h5");
  const data::Dataset dataset =
      Prepare({"--source=aliad", "--interactions=raw_sample.csv", "--users=user_profile.csv",
               "--item_table=ad_feature.csv", "--item_from=brand", "--shared_with=aliec.h5"});
  // Ad 704 has the brand NULL, ad 710 is not in the table, user 7 is not in AliEC.
  ExpectCounts({{"read", 21},
                {"kept", 11},
                {"dropped: another action", 3},
                {"dropped: another user", 2},
                {"dropped: outside the time window", 2},
                {"dropped: no item", 3}});
  EXPECT_THAT(HistoriesById(dataset),
              ElementsAre(Pair("1", ElementsAre("34", "34", "33", "33", "32", "31", "31", "30", "30")),
                          Pair("3", ElementsAre("31", "99"))));
  EXPECT_THAT(dataset.provenance_json, AllOf(HasSubstr("\"aliec.h5\""), HasSubstr("\"ad_feature.csv\"")));
}

// What was done to the raw files is part of the dataset, with every choice that the paper leaves open.
TEST_F(Import, TheDatasetRecordsSettingsAndOpenChoices) {
  Generate("ali");
  const data::Dataset dataset = Prepare({"--source=aliec", "--interactions=behavior_log.csv"});
  EXPECT_THAT(dataset.provenance_json,
              AllOf(HasSubstr("\"source\": \"aliec\""), HasSubstr("\"item\": \"brand\""),
                    HasSubstr("\"first_time\": 1492790400"), HasSubstr("\"last_time\": 1494691199"),
                    HasSubstr("\"action_column\": \"btag\""), HasSubstr("\"missing_text\": \"NULL\"")));
  for (const data::OpenChoice& choice : data::FindSource("aliec")->open_choices)
    EXPECT_THAT(dataset.provenance_json, HasSubstr("\"" + choice.text + "\""));
}

// What docs/datasets.md says of each source, in the flags that it stands for.
TEST_F(Import, SourcesAreWhatTheDocumentsSay) {
  const std::map<std::string, Words> expected = {
      {"cikm",
       {"actions=pv", "first_time=0", "last_time=1382399", "profile_columns=gender,age,power",
        "buckets=age:10", "protocol=threshold", "cold_threshold=10", "user_share=1", "min_item_clicks=1"}},
      {"cikm_ubp",
       {"actions=clk", "first_time=20190610", "last_time=20190620", "ties=hash", "protocol=threshold",
        "cold_threshold=10"}},
      {"qqbrowser",
       {"format=item_lines", "missing_text=0", "protocol=holdout", "holdout_share=0.207", "cold_clicks=10"}},
      {"aliec",
       {"item_column=brand", "actions=pv,ipv", "first_time=1492790400", "last_time=1494691199",
        "missing_text=NULL", "drop_duplicates=true", "protocol=threshold", "cold_threshold=10"}},
      {"aliad",
       {"item_column=adgroup_id", "actions=1", "first_time=1494000000", "last_time=1494691199",
        "drop_duplicates=false", "protocol=holdout", "holdout_share=1", "cold_clicks=1000000"}}};
  for (const data::Source& source : data::Sources()) {
    const ProgramResult result = RunPpr(
        {"prepare", "--source=" + source.name, "--interactions=log.csv", "--output=o.h5", "--print_config"},
        folder_);
    for (const std::string& flag : expected.at(source.name))
      EXPECT_THAT(result.out, HasSubstr("--" + flag + " ")) << source.name;
  }
}

TEST_F(Import, EverySourceIsAListOfSettingsThatOneMayOverride) {
  for (const data::Source& source : data::Sources()) {
    const ProgramResult result = RunPpr({"prepare", "--source=" + source.name, "--interactions=log.csv",
                                         "--output=o.h5", "--seed=3", "--print_config"},
                                        folder_);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    for (const auto& [flag, value] : source.settings)
      EXPECT_THAT(result.out, HasSubstr("--" + flag + "=" + value)) << source.name;
    EXPECT_FALSE(source.open_choices.empty()) << source.name;
  }
  const ProgramResult result = RunPpr({"prepare", "--source=aliec", "--item_column=cate", "--actions=buy",
                                       "--interactions=log.csv", "--output=o.h5", "--print_config"},
                                      folder_);
  EXPECT_THAT(result.out, AllOf(HasSubstr("--item_column=cate"), HasSubstr("--actions=buy"),
                                Not(HasSubstr("--item_column=brand")), Not(HasSubstr("--actions=pv"))));
  EXPECT_THAT(RunPpr({"prepare", "--source=alliec"}, folder_).err, HasSubstr("did you mean aliec"));
}

// Files of some size: every part of the users is there.
TEST_F(Import, DrawnFilesOfEverySource) {
  const std::vector<std::pair<std::string, Words>> sources = {
      {"cikm", {"--source=cikm", "--interactions=user_behavior.csv", "--users=user.csv"}},
      {"cikm_ubp",
       {"--source=cikm_ubp", "--interactions=ECommAI_ubp_round1_train",
        "--users=ECommAI_ubp_round1_user_feature"}},
      {"qqbrowser", {"--source=qqbrowser", "--interactions=original_desen_pretrain.csv"}},
      {"ali", {"--source=aliec", "--interactions=behavior_log.csv", "--users=user_profile.csv"}},
      {"ali", {"--source=aliad", "--interactions=raw_sample.csv", "--users=user_profile.csv"}}};
  for (const auto& [kind, flags] : sources) {
    Generate(kind, {"--users=300"});
    Words distinct = flags;
    distinct.push_back("--distinct_items");
    const data::Dataset once = Prepare(distinct);
    EXPECT_GT(Count("dropped: not the first of its item"), 0) << kind;
    for (int64_t user = 0; user < once.num_users(); ++user) {
      const std::set<int32_t> items(once.history(user).begin(), once.history(user).end());
      EXPECT_EQ(items.size(), once.history(user).size()) << kind;
    }
    const data::Dataset dataset = Prepare(flags);
    for (const char* part : {"cold train", "cold dev", "cold test"})
      EXPECT_GT(Count(part), 0) << kind << "\n" << report_;
    EXPECT_EQ(Count("warm") == 0, flags[0] == "--source=aliad") << report_;  // a target domain has none
    EXPECT_GT(dataset.num_users(), 200) << kind;
  }
}

}  // namespace
}  // namespace ppr::e2e
