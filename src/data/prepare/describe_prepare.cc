// The settings of ppr prepare: names, meanings and limits (settings/settings.h).
#include "data/prepare/prepare.h"
#include "settings/shared_settings.h"

namespace ppr::data {
namespace {

using settings::Settings;

constexpr int64_t kMostCandidates = 100'000;

void DescribeRows(Settings& settings, PrepareConfig& config) {
  settings.Topic("Rows");
  DescribeMinRating(settings, config);
  settings.Add(&config.ties,
               {.flag = "ties",
                .help = "Order of clicks of one user at the same time: file (as in the file) or hash (at "
                        "random by seed; files sorted by item leak through ties)"});
  settings.Add(&config.drop_duplicates,
               {.flag = "drop_duplicates", .help = "Keep one of rows with the same user, item and time"});
  settings.Add(&config.min_user_clicks, {.flag = "min_user_clicks",
                                         .help = "Drop users with fewer clicks, until nothing changes",
                                         .limits = settings::AtLeast(1)});
  settings.Add(&config.min_item_clicks, {.flag = "min_item_clicks",
                                         .help = "Drop items with fewer clicks, until nothing changes",
                                         .limits = settings::AtLeast(1)});
}

void DescribeColdUsers(Settings& settings, PrepareConfig& config) {
  settings.Add(
      &config.protocol,
      {.flag = "protocol",
       .help = "Which users are cold: threshold (few clicks), holdout (a random share, cut to its first "
               "clicks) or leave_one_out (none; the last click is the test)"});
  settings.Add(&config.cold_threshold, {.flag = "cold_threshold",
                                        .help = "threshold: users with fewer clicks are cold",
                                        .limits = settings::AtLeast(2)});
  settings.Add(
      &config.holdout_share,
      {.flag = "holdout_share",
       .help = "holdout: share of users that become cold",
       .limits = settings::Limits{
           .expected = "a number above 0, at most 1", .least = 0, .most = 1, .least_is_open = true}});
  settings.Add(&config.cold_clicks, {.flag = "cold_clicks",
                                     .help = "holdout: first clicks that a cold user keeps",
                                     .limits = settings::AtLeast(1)});
  const settings::Limits share{.expected = "a number from 0 to 1", .least = 0, .most = 1};
  settings.Add(&config.cold_train_share,
               {.flag = "cold_train_share", .help = "Share of cold users to tune on", .limits = share});
  settings.Add(&config.cold_dev_share,
               {.flag = "cold_dev_share",
                .help = "Share of cold users that decide when tuning stops; the rest is for the test",
                .limits = share});
}

void DescribeProtocol(Settings& settings, PrepareConfig& config) {
  settings.Topic("Protocol");
  DescribeColdUsers(settings, config);
  settings.Add(&config.num_candidates,
               {.flag = "num_candidates",
                .help = "Candidates per evaluation case, uniform, never the user's own items",
                .limits = settings::Between(1, kMostCandidates)});
  settings.Add(&config.max_warm_dev_users,
               {.flag = "max_warm_dev_users",
                .help = "Warm users whose last click is a validation case of pre-training",
                .limits = settings::AtLeast(0)});
  settings::AddSeed(settings, &config.seed);
}

}  // namespace

const settings::NameTable<TieOrder>& NamesOf(TieOrder) {
  static const settings::NameTable<TieOrder> names = {{"file", TieOrder::kFile}, {"hash", TieOrder::kHash}};
  return names;
}

void Describe(Settings& settings, PrepareConfig& config) {
  settings.Topic("Input and output").Section("");
  DescribeTables(settings, config);
  settings::AddOutput(settings, &config.output, /*required=*/true);
  DescribeFormat(settings, config);
  settings.Topic("Columns");
  DescribeColumns(settings, config);
  DescribeRows(settings, config);
  DescribeProtocol(settings, config);
  settings.Topic("Memory");
  settings.Add(&config.memory_bytes,
               {.flag = "memory_bytes",
                .help = "Memory for sorting clicks; more clicks are sorted through files",
                .limits = settings::AtLeast(1)});
  settings.Add(&config.temporary_folder,
               {.flag = "temporary_folder", .help = "Folder for those files; none: beside the output"});
}

}  // namespace ppr::data
