// AliEC and AliAD: the two logs of Tianchi data set 56, "Ali_Display_Ad_Click": commas, headers, shared
// users.
#include "data/sources/open_choices.h"
#include "data/sources/sources.h"

namespace ppr::data {
namespace {

constexpr char kProfileColumns[] =
    "cms_segid,cms_group_id,final_gender_code,age_level,pvalue_level,shopping_level,occupation,"
    "new_user_class_level";
constexpr char kProfileChoice[] =
    "attributes are taken as they are; an empty cell is missing, and about one user in twenty has no profile";

}  // namespace

// behavior_log.csv and user_profile.csv: no item id, only category and brand.
Source AliEcSource() {
  return {
      .name = "aliec",
      .summary = "AliEC (Tianchi 56): behavior_log.csv, user_profile.csv",
      .settings =
          {
              {"format", "delimited"},
              {"user_column", "user"},
              {"item_column", "brand"},
              {"time_column", "time_stamp"},
              {"missing_text", "NULL"},
              {"drop_rows_without_item", "true"},
              {"action_column", "btag"},
              {"actions", "pv,ipv"},
              // The 22 days to 13 May 2017 in China: 22 April, 0:00 to 13 May, 23:59:59 at UTC+8.
              {"first_time", "1492790400"},
              {"last_time", "1494691199"},
              {"drop_duplicates", "true"},
              {"users_id_column", "userid"},
              {"profile_columns", kProfileColumns},
              {"protocol", "threshold"},
              {"cold_threshold", "10"},
          },
      .open_choices =
          {
              {"what an item is: the brand, since the log has no item id; see --item_from=cate,brand",
               {"item_column", "item_from", "item_table"}},
              {"which actions are clicks: page views (pv); cart, fav and buy are dropped",
               {"action_column", "actions"}},
              {"times outside the 22 days are errors of the log: their rows are dropped",
               {"first_time", "last_time"}},
              {"rows that repeat user, brand and second are one click; about 7 % of the log repeats whole "
               "rows",
               {"drop_duplicates"}},
              {kTieChoice, {"ties"}},
              {"which of 1.1 million users are the paper's 104,984: all; --user_share=0.092 draws as many",
               {"user_share", "shared_with"}},
              {"which filter left the paper 88 clicks a warm user: none; see --distinct_items",
               {"distinct_items", "min_user_clicks", "min_item_clicks"}},
              {kProfileChoice, {"profile_columns", "buckets"}},
              {kDevChoice, {"cold_train_share", "cold_dev_share"}},
          },
  };
}

// raw_sample.csv and user_profile.csv; ad_feature.csv as --item_table to count brands or categories instead.
Source AliAdSource() {
  return {
      .name = "aliad",
      .summary = "AliAD (Tianchi 56): raw_sample.csv, user_profile.csv; --item_table: ad_feature.csv",
      .settings =
          {
              {"format", "delimited"},
              {"user_column", "user"},
              {"item_column", "adgroup_id"},
              {"time_column", "time_stamp"},
              {"missing_text", "NULL"},
              {"drop_rows_without_item", "true"},
              {"action_column", "clk"},
              {"actions", "1"},
              // The 8 days to 13 May 2017 in China: 6 May, 0:00 to 13 May, 23:59:59 at UTC+8.
              {"first_time", "1494000000"},
              {"last_time", "1494691199"},
              {"users_id_column", "userid"},
              {"profile_columns", kProfileColumns},
              // All users are for tuning and its test: pre-training has the source domain.
              {"protocol", "holdout"},
              {"holdout_share", "1"},
              {"cold_clicks", "1000000"},
          },
      .open_choices =
          {
              {"what an item is: the ad group; see --item_table=ad_feature.csv with --item_from=brand",
               {"item_column", "item_from", "item_table"}},
              {"only shown ads that were clicked count (clk = 1)", {"action_column", "actions"}},
              {"times outside the 8 days are errors of the log: their rows are dropped",
               {"first_time", "last_time"}},
              {kTieChoice, {"ties"}},
              {"which users: all; --shared_with=aliec.h5 keeps those of the source domain",
               {"user_share", "shared_with"}},
              {"who is cold in the target domain: every user, with all clicks",
               {"protocol", "holdout_share", "cold_clicks", "cold_threshold"}},
              {kProfileChoice, {"profile_columns", "buckets"}},
              {kDevChoice, {"cold_train_share", "cold_dev_share"}},
          },
  };
}

}  // namespace ppr::data
