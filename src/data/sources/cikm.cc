// CIKM Cup 2019, "EComm AI": two competitions with the same name and different files. The authors' own sample
// of their data has the columns and values of the first, item retrieval ("EUIR").
#include "data/sources/open_choices.h"
#include "data/sources/sources.h"

namespace ppr::data {

// user_behavior.csv, user.csv, item.csv: commas, no header.
Source CikmSource() {
  return {
      .name = "cikm",
      .summary = "CIKM Cup 2019 item retrieval (EUIR): user_behavior.csv, user.csv, item.csv",
      .settings =
          {
              {"format", "delimited"},
              {"interactions_header", "user_id,item_id,action,timestamp"},
              {"users_header", "user_id,gender,age,power"},
              {"item_table_header", "item_id,category,shop,brand"},
              {"action_column", "action"},
              {"actions", "pv"},
              // Seconds since the log began; it lasts 16 days.
              {"first_time", "0"},
              {"last_time", "1382399"},
              {"profile_columns", "gender,age,power"},
              {"buckets", "age:10"},
              {"protocol", "threshold"},
              {"cold_threshold", "10"},
          },
      .open_choices =
          {
              {"which actions are clicks: page views (pv), as in the authors' sample; fav, cart and buy are "
               "dropped",
               {"action_column", "actions"}},
              {"times outside the 16 days are errors of the log: their rows are dropped",
               {"first_time", "last_time"}},
              {kTieChoice, {"ties"}},
              {"which of the 1.4 million users are the paper's 80,964: none is left out; see --user_share",
               {"user_share", "shared_with", "min_user_clicks"}},
              {"how 4.3 million items became 87,894: none is left out; see --min_item_clicks",
               {"min_item_clicks", "item_table", "item_from"}},
              {"repeated clicks on an item are kept; see --drop_duplicates and --distinct_items",
               {"drop_duplicates", "distinct_items"}},
              {"age is grouped by decades; gender and power are taken as they are",
               {"profile_columns", "buckets"}},
              {kDevChoice, {"cold_train_share", "cold_dev_share"}},
          },
  };
}

// The behaviour prediction files: tabs, no header, no file ending, times that are days.
Source CikmUbpSource() {
  return {
      .name = "cikm_ubp",
      .summary = "CIKM Cup 2019 behaviour prediction (ubp): ..._train, ..._user_feature, ..._item_feature",
      .settings =
          {
              {"format", "delimited"},
              {"interactions_header", "user_id,item_id,action,timestamp"},
              {"users_header", "user_id,gender,age,education,career,income,life_stages"},
              {"item_table_header", "item_id,first_category,category,brand,price"},
              {"action_column", "action"},
              {"actions", "clk"},
              {"first_time", "20190610"},
              {"last_time", "20190620"},
              {"ties", "hash"},
              {"profile_columns", "gender,age,career"},
              {"protocol", "threshold"},
              {"cold_threshold", "10"},
          },
      .open_choices =
          {
              {"not the paper's data: the competition it links to has these files, its statistics are those "
               "of cikm",
               {}},
              {"which actions are clicks: clk; collect, cart and buy are dropped",
               {"action_column", "actions"}},
              {"times are days, the order inside a day is lost: tied clicks are ordered by a hash", {"ties"}},
              {"which attributes: gender, age and career; income is too fine, education mostly missing, life "
               "stages are a set",
               {"profile_columns", "buckets"}},
              {"no user and no item is left out",
               {"user_share", "shared_with", "min_user_clicks", "min_item_clicks", "item_table"}},
              {kDevChoice, {"cold_train_share", "cold_dev_share"}},
          },
  };
}

}  // namespace ppr::data
