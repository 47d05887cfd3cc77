#include "data/prepare/user_split.h"

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "data/text_hash.h"

namespace ppr::data {
namespace {

// A user's last click is a case only when at least this many clicks are before it.
constexpr int64_t kLeastHistory = 2;

int64_t LengthOf(const Dataset& dataset, int64_t user) {
  return dataset.offsets[user + 1] - dataset.offsets[user];
}

void AddCase(CasePart part, int64_t user, int64_t position, EvaluationCases* cases) {
  cases->part.push_back(part);
  cases->user.push_back(static_cast<int32_t>(user));
  cases->position.push_back(static_cast<int32_t>(position));
}

// The warm users whose last click becomes a validation case: those with the smallest hashes.
std::vector<uint8_t> ChooseWarmDevUsers(const PrepareConfig& config, const Dataset& dataset) {
  std::vector<std::pair<uint64_t, int64_t>> hashed;
  const RandomKey key = MakeRandomKey(config.seed, RandomSite::kWarmDevUser);
  for (int64_t user = 0; user < dataset.num_users(); ++user) {
    if (dataset.user_part[user] != UserPart::kWarm || LengthOf(dataset, user) <= kLeastHistory) continue;
    hashed.emplace_back(key.Bits(TextHash(dataset.user_ids[user])), user);
  }
  const auto count = std::min<size_t>(hashed.size(), static_cast<size_t>(config.max_warm_dev_users));
  std::nth_element(hashed.begin(), hashed.begin() + static_cast<ptrdiff_t>(count), hashed.end());
  std::vector<uint8_t> chosen(static_cast<size_t>(dataset.num_users()), 0);
  for (size_t i = 0; i < count; ++i) chosen[hashed[i].second] = 1;
  return chosen;
}

void SplitLeaveOneOut(Dataset* dataset) {
  for (int64_t user = 0; user < dataset->num_users(); ++user) {
    const int64_t length = LengthOf(*dataset, user);
    dataset->train_length[user] = static_cast<int32_t>(length > kLeastHistory ? length - 2 : length);
  }
  for (const CasePart part : {CasePart::kValidation, CasePart::kTest}) {
    for (int64_t user = 0; user < dataset->num_users(); ++user) {
      const int64_t length = LengthOf(*dataset, user);
      if (length > kLeastHistory)
        AddCase(part, user, length - (part == CasePart::kTest ? 1 : 2), &dataset->cases);
    }
  }
}

void SplitColdAndWarm(const PrepareConfig& config, const std::vector<uint8_t>& is_cold, Dataset* dataset) {
  const int64_t num_users = dataset->num_users();
  for (int64_t user = 0; user < num_users; ++user) {
    if (is_cold[user]) dataset->user_part[user] = PartOfColdUser(config, dataset->user_ids[user]);
    const bool trains =
        dataset->user_part[user] == UserPart::kWarm || dataset->user_part[user] == UserPart::kColdTrain;
    dataset->train_length[user] = static_cast<int32_t>(trains ? LengthOf(*dataset, user) : 0);
  }
  const std::vector<uint8_t> warm_dev = ChooseWarmDevUsers(config, *dataset);
  for (int64_t user = 0; user < num_users; ++user) {
    if (!warm_dev[user]) continue;
    AddCase(CasePart::kWarmDev, user, --dataset->train_length[user], &dataset->cases);
  }
  for (const auto& [user_part, case_part] : {std::pair(UserPart::kColdDev, CasePart::kColdDev),
                                             std::pair(UserPart::kColdTest, CasePart::kColdTest)}) {
    for (int64_t user = 0; user < num_users; ++user) {
      if (dataset->user_part[user] != user_part) continue;
      for (int64_t position = 0; position < LengthOf(*dataset, user); ++position) {
        AddCase(case_part, user, position, &dataset->cases);
      }
    }
  }
}

}  // namespace

bool IsColdUser(const PrepareConfig& config, std::string_view id, int64_t num_clicks) {
  switch (config.protocol) {
    case Protocol::kThreshold:
      return num_clicks < config.cold_threshold;
    case Protocol::kHoldout:
      return MakeRandomKey(config.seed, RandomSite::kColdUser).Uniform(TextHash(id)) < config.holdout_share;
    case Protocol::kLeaveOneOut:
      return false;
  }
  return false;
}

UserPart PartOfColdUser(const PrepareConfig& config, std::string_view id) {
  const double draw = MakeRandomKey(config.seed, RandomSite::kColdPart).Uniform(TextHash(id));
  if (draw < config.cold_train_share) return UserPart::kColdTrain;
  return draw < config.cold_train_share + config.cold_dev_share ? UserPart::kColdDev : UserPart::kColdTest;
}

void SplitUsers(const PrepareConfig& config, const std::vector<uint8_t>& is_cold, Dataset* dataset) {
  dataset->user_part.assign(static_cast<size_t>(dataset->num_users()), UserPart::kWarm);
  dataset->train_length.assign(static_cast<size_t>(dataset->num_users()), 0);
  if (config.protocol == Protocol::kLeaveOneOut) {
    SplitLeaveOneOut(dataset);
  } else {
    SplitColdAndWarm(config, is_cold, dataset);
  }
}

}  // namespace ppr::data
