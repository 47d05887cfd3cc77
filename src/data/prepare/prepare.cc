#include "data/prepare/prepare.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <limits>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/deadline.h"
#include "base/digest.h"
#include "base/errors.h"
#include "base/text_format.h"
#include "data/dataset_layout.h"
#include "data/dataset_writer.h"
#include "data/input/click_reader.h"
#include "data/input/table_files.h"
#include "data/input/token_dictionary.h"
#include "data/prepare/click_order.h"
#include "data/prepare/click_selection.h"
#include "data/prepare/click_sorter.h"
#include "data/prepare/final_pass.h"
#include "data/prepare/prepare_report.h"
#include "data/prepare/profile_table.h"
#include "data/prepare/user_split.h"

#include "base/logging.h"

namespace ppr::data {
namespace {

// One run of Prepare(): the steps in order, each leaving what the next ones need. Users and items have two
// numberings: the raw one, in order of first appearance among the rows that pass the row filters, and the
// final one, which is the raw one without the users and items that keep no click.
class Preparation {
 public:
  explicit Preparation(const PrepareConfig& config) : config_(config) {}
  // An error is told at once: digests of large files that are under way are given up.
  ~Preparation() { stop_digests_.request_stop(); }

  PrepareReport Run() {
    const Stopwatch stopwatch;
    CheckOutputFolder();
    OpenInputs();
    StartDigests();
    ImportClicks();
    profiles_->Read(users_);
    Sort();
    Select();
    NumberUsersAndItems();
    profiles_->Fill(raw_users_, &dataset_);
    SplitUsers(config_, is_cold_, &dataset_);
    CountUsers();
    Write();
    report_.seconds = stopwatch.seconds();
    return report_;
  }

 private:
  int num_threads() const {
    if (config_.num_threads > 0) return config_.num_threads;
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }
  std::string TemporaryFolder() const {
    if (!config_.temporary_folder.empty()) return config_.temporary_folder;
    return std::filesystem::path(config_.output).parent_path().string();
  }

  void CheckOutputFolder() const;
  void OpenInputs();
  void StartDigests();
  void ImportClicks();
  void CheckImport() const;
  void Sort();
  void Select();
  void NumberUsersAndItems();
  void CountUsers();
  void CheckParts() const;
  void Write();

  const PrepareConfig& config_;
  PrepareReport report_;
  std::vector<InputFile> files_;
  std::stop_source stop_digests_;
  std::vector<std::future<void>> digests_;  // of files_, taken while the log is read
  std::unique_ptr<ClickReader> reader_;     // until the log is read
  bool has_times_ = false;
  TokenDictionary users_{"users"}, items_{"items"};
  std::optional<ProfileTable> profiles_;
  std::optional<ClickSorter> sorter_;
  std::optional<SortedClicks> sorted_;
  ClickSelection selection_;
  std::vector<uint8_t> raw_user_is_cold_;  // [raw users]
  std::vector<int32_t> raw_users_;         // [U] raw number of a final user
  std::vector<uint8_t> is_cold_;           // [U]
  std::vector<int32_t> final_items_;       // [raw items] 1..V, 0 = dropped
  Dataset dataset_;                        // all but items and times, which are streamed to the file
};

// Known in the first second, not after an hour of sorting.
void Preparation::CheckOutputFolder() const {
  const std::string parent = std::filesystem::path(config_.output).parent_path().string();
  for (const std::string& folder : {parent, TemporaryFolder()}) {
    const std::string name = folder.empty() ? "." : folder;
    if (::access(name.c_str(), W_OK | X_OK) != 0)
      throw StorageErrorFromErrno("cannot write into the folder", name);
  }
  std::error_code error;
  if (std::filesystem::is_directory(config_.output, error)) {
    throw StorageError("cannot write " + config_.output + ": it is a folder; name a file in it");
  }
}

// A file that is missing or has other columns than the settings say stops the import before its first row.
void Preparation::OpenInputs() {
  profiles_.emplace(config_);
  reader_ = OpenClicks(config_);
}

void Preparation::StartDigests() {
  const RawLayout& layout = config_.layout;
  files_.push_back({"interactions", config_.interactions, "", 0});
  for (const std::string& path : ProfilePaths(config_)) files_.push_back({"users", path, "", 0});
  for (const auto& [role, path] :
       {std::pair("targets", layout.targets), std::pair("item_table", layout.item_table),
        std::pair("shared_with", layout.shared_with)}) {
    if (!path.empty()) files_.push_back({role, path, "", 0});
  }
  for (InputFile& file : files_) {
    digests_.push_back(std::async(std::launch::async, [&file, stop = stop_digests_.get_token()] {
      file.digest = DigestOfFile(file.path, &file.size_bytes, stop);
    }));
  }
}

void Preparation::ImportClicks() {
  sorter_.emplace(config_.memory_bytes, TemporaryFolder(), num_threads());
  ClickBlock block;
  std::vector<int32_t> user_codes, item_codes;
  std::vector<Click> clicks;
  while (reader_->Next(&block)) {
    const size_t count = block.users.size();
    user_codes.resize(count);
    item_codes.resize(count);
    clicks.resize(count);
    users_.Encode(block.users, user_codes.data());
    items_.Encode(block.items, item_codes.data());
    for (size_t i = 0; i < count; ++i) clicks[i] = {block.times[i], user_codes[i], item_codes[i]};
    sorter_->Add(clicks);
  }
  has_times_ = reader_->has_times();
  report_.rows_read = reader_->rows_read();
  report_.dropped = reader_->dropped();
  reader_.reset();
  CheckImport();
  LOG(INFO) << "read " << WithThousands(report_.rows_read) << " rows of " << WithThousands(users_.size())
            << " users and " << WithThousands(items_.size()) << " items";
}

void Preparation::CheckImport() const {
  if (report_.rows_read == 0) {
    throw DataError(config_.interactions + ": expected clicks, found a header and no rows");
  }
  if (users_.size() == 0) {
    throw DataError(config_.interactions + ": expected clicks that pass the filters, found none among " +
                    WithThousands(report_.rows_read) + " rows: " + WithThousands(report_.dropped.missing) +
                    " have no time or rating, " + WithThousands(report_.dropped.rating) +
                    " are rated too low" + LayoutDropsText(report_) +
                    ". Lower --min_rating or widen the other filters.");
  }
  if (!has_times_ && config_.ties == TieOrder::kHash) {
    throw ConfigError(config_.interactions +
                      " has no times: --ties=hash would shuffle whole histories; use --ties=file");
  }
}

void Preparation::Sort() {
  ClickOrder order(config_, has_times_, users_, items_);
  sorted_.emplace(
      sorter_->Sort(users_.size(), [&order](std::span<Click> clicks) { return order.Finish(clicks); }));
  sorter_.reset();
  report_.duplicates = order.duplicates();
  report_.rows_dropped_later_click = order.later_clicks();
  if (config_.drop_duplicates) report_.rows_dropped_duplicate = order.duplicates();
  LOG(INFO) << "sorted" << (sorted_->spilled() ? " through a temporary file" : " in memory");
}

void Preparation::Select() {
  selection_ = SelectCore(*sorted_, items_.size(), config_.min_user_clicks, config_.min_item_clicks);
  raw_user_is_cold_.resize(static_cast<size_t>(users_.size()));
  int64_t sorted_clicks = 0, core_clicks = 0;
  for (int32_t user = 0; user < users_.size(); ++user) {
    sorted_clicks += sorted_->user_clicks()[user];
    core_clicks += selection_.user_clicks[user];
    raw_user_is_cold_[user] = IsColdUser(config_, users_.text(user), selection_.user_clicks[user]) ? 1 : 0;
  }
  report_.rows_dropped_core = sorted_clicks - core_clicks;
  if (core_clicks == 0) {
    throw DataError(config_.interactions + ": expected users with at least " +
                    std::to_string(config_.min_user_clicks) + " clicks on items with at least " +
                    std::to_string(config_.min_item_clicks) + ", found none among " +
                    WithThousands(users_.size()) + " users. Lower --min_user_clicks or --min_item_clicks.");
  }
  if (config_.protocol != Protocol::kHoldout) return;
  selection_.most_clicks.assign(static_cast<size_t>(users_.size()), std::numeric_limits<int64_t>::max());
  for (int32_t user = 0; user < users_.size(); ++user) {
    if (raw_user_is_cold_[user]) selection_.most_clicks[user] = config_.cold_clicks;
  }
}

void Preparation::NumberUsersAndItems() {
  final_items_.assign(static_cast<size_t>(items_.size()), 0);
  dataset_.offsets = {0};
  std::vector<Click> kept;
  sorted_->ForEachRange([&](std::span<const Click> range) {
    ForEachUser(range, [&](std::span<const Click> clicks) {
      kept.clear();
      selection_.Keep(clicks, &kept);
      if (kept.empty()) return;
      const int32_t user = clicks[0].user;
      for (const Click& click : kept) final_items_[click.item] = 1;
      report_.rows_dropped_cropped += selection_.user_clicks[user] - static_cast<int64_t>(kept.size());
      raw_users_.push_back(user);
      is_cold_.push_back(raw_user_is_cold_[user]);
      dataset_.user_ids.emplace_back(users_.text(user));
      dataset_.offsets.push_back(dataset_.offsets.back() + static_cast<int64_t>(kept.size()));
    });
  });
  dataset_.item_ids.emplace_back();
  for (int32_t item = 0; item < items_.size(); ++item) {
    if (final_items_[item] == 0) continue;
    final_items_[item] = static_cast<int32_t>(dataset_.item_ids.size());
    dataset_.item_ids.emplace_back(items_.text(item));
  }
  report_.rows_kept = dataset_.offsets.back();
  report_.users = dataset_.num_users();
  report_.items = dataset_.num_items();
  if (!config_.layout.targets.empty() && report_.rows_dropped_cropped > 0) {
    LOG(WARNING) << "the cut to --cold_clicks=" << config_.cold_clicks << " dropped "
                 << WithThousands(report_.rows_dropped_cropped)
                 << " clicks of cold users, those of --targets first, since they come last; "
                    "--protocol=threshold keeps them";
  }
}

void Preparation::CountUsers() {
  for (int64_t user = 0; user < report_.users; ++user) {
    switch (dataset_.user_part[user]) {
      case UserPart::kWarm:
        ++report_.warm_users;
        break;
      case UserPart::kColdTrain:
        ++report_.cold_train_users;
        break;
      case UserPart::kColdDev:
        ++report_.cold_dev_users;
        break;
      case UserPart::kColdTest:
        ++report_.cold_test_users;
        break;
    }
    report_.users_without_profile += profiles_->HasRow(raw_users_[user]) ? 0 : 1;
  }
  int64_t profiles_of_logged_users = 0;
  for (int32_t user = 0; user < users_.size(); ++user)
    profiles_of_logged_users += profiles_->HasRow(user) ? 1 : 0;
  const int64_t profiles_in_use = report_.users - report_.users_without_profile;
  report_.profiles_without_clicks = profiles_->strangers() + profiles_of_logged_users - profiles_in_use;
  report_.repeated_profiles = profiles_->duplicate_rows();
  CheckParts();
}

void Preparation::CheckParts() const {
  const std::string found = ": found " + WithThousands(report_.users) + " users";
  if (config_.protocol == Protocol::kLeaveOneOut) {
    if (dataset_.cases.size() > 0) return;
    throw DataError(config_.interactions + found +
                    ", none with 3 clicks or more: leave_one_out has nothing to evaluate");
  }
  const std::string cold_rule = config_.protocol == Protocol::kThreshold
                                    ? "with fewer than " + std::to_string(config_.cold_threshold) +
                                          " clicks. Change --cold_threshold, or use --protocol=holdout"
                                    : "held out by the seed. Change --holdout_share or --seed";
  if (report_.warm_users == report_.users)
    throw DataError(config_.interactions + found + ", expected some " + cold_rule);
  const bool all_cold = config_.protocol == Protocol::kHoldout && config_.holdout_share == 1;
  if (report_.warm_users == 0 && !all_cold)
    throw DataError(config_.interactions + found + ", expected some not " + cold_rule);
  if (report_.cold_train_users == 0 || report_.cold_dev_users == 0 || report_.cold_test_users == 0) {
    LOG(WARNING) << "a part of the cold users is empty: train " << report_.cold_train_users << ", dev "
                 << report_.cold_dev_users << ", test " << report_.cold_test_users;
  }
}

void Preparation::Write() {
  dataset_.protocol = config_.protocol;
  DatasetWriter writer(config_.output, report_.rows_kept);
  FinalPass pass(config_, num_threads(), selection_, final_items_, &dataset_, &report_, &writer);
  sorted_->ForEachRange([&pass](std::span<const Click> range) { pass.Add(range); });
  pass.Finish();
  if (!has_times_) report_.tied_rows = report_.cold_tied_rows = 0;
  dataset_.cases.digest = layout::DigestOfCases(dataset_.cases);
  for (std::future<void>& digest : digests_) digest.get();
  dataset_.provenance_json = ProvenanceJson(config_, report_, has_times_, files_, dataset_);
  writer.Commit(dataset_);
  LOG(INFO) << "wrote " << config_.output << " with " << WithThousands(report_.rows_kept) << " clicks and "
            << WithThousands(dataset_.cases.size()) << " evaluation cases";
}

}  // namespace

PrepareReport Prepare(const PrepareConfig& config) {
  const std::vector<std::string> problems = config.Problems();
  if (!problems.empty()) {
    std::string text = "these settings of prepare cannot work:";
    for (const std::string& problem : problems) text += "\n  " + problem;
    throw ConfigError(text);
  }
  return Preparation(config).Run();
}

}  // namespace ppr::data
