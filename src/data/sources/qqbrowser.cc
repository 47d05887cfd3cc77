// QQ Browser: the ColdRec files of PeterRec. No user ids and no times; the same user is found in several
// files by the same history.
#include "data/sources/open_choices.h"
#include "data/sources/sources.h"

namespace ppr::data {

// original_desen_pretrain.csv with, as --targets, original_desen_finetune_click_nouserID.csv or
// original_desen_finetune_like_nouserID.csv; labels in original_desen_gender.csv and two more.
Source QqBrowserSource() {
  return {
      .name = "qqbrowser",
      .summary =
          "QQ Browser (ColdRec): histories; --targets: the file of clicks or likes; --users: gender, age, "
          "life "
          "status files, separated by commas",
      .settings =
          {
              {"format", "item_lines"},
              {"profile_columns", "gender,age,life_status"},
              {"missing_text", "0"},
              {"protocol", "holdout"},
              {"holdout_share", "0.207"},
              {"cold_clicks", "10"},
          },
      .open_choices =
          {
              {"who is who across files: lines with the same history are one user, whose id is a digest of "
               "it",
               {}},
              {"which users are cold: 20.7 % of all, cut to ten clicks; the paper's 263,572 instances of "
               "27.9 thousand cold users are 9.4 each, more than users with fewer than ten clicks can have",
               {"protocol", "holdout_share", "cold_clicks", "cold_threshold"}},
              {"what follows a history: nothing; with --targets the clicks of that file, of which the cut to "
               "ten clicks leaves a cold user only those that follow fewer than ten",
               {}},
              {"which 134,931 of 1.5 million users and 97,904 of 646 thousand items: all; see --user_share "
               "and --min_item_clicks",
               {"user_share", "shared_with", "min_user_clicks", "min_item_clicks"}},
              {"label 0 means unknown", {"missing_text"}},
              {kDevChoice, {"cold_train_share", "cold_dev_share"}},
          },
  };
}

}  // namespace ppr::data
