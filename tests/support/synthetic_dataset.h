// A small dataset made in memory, a pure function of its settings: random histories whose items depend on the
// user's profile, so that there is something to learn, and cases with candidates.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/random.h"
#include "data/dataset.h"

namespace ppr::test {

struct SyntheticSettings {
  int64_t users = 60;
  int64_t items = 40;
  int64_t max_clicks = 24;  // histories have 1..max_clicks clicks
  int32_t num_candidates = 9;
  uint64_t seed = 7;
};

// Parts by user number: 0..5 of every ten warm, 6 and 7 cold train, 8 cold dev, 9 cold test. Cold users have
// at most 10 clicks. User 0 (warm), 6 (cold train) and 9 (cold test) have one click.
inline data::Dataset MakeSyntheticDataset(const SyntheticSettings& settings = {}) {
  const RandomKey key = MakeRandomKey(settings.seed, RandomSite::kTest);
  data::Dataset dataset;
  dataset.path = "synthetic";
  dataset.digest = "synthetic";
  dataset.protocol = data::Protocol::kHoldout;
  dataset.fields = {{"age", {"", "old", "young"}}, {"city", {"", "a", "b", "c"}}};
  dataset.item_ids = {""};
  for (int64_t item = 1; item <= settings.items; ++item)
    dataset.item_ids.push_back("i" + std::to_string(item));
  dataset.offsets = {0};
  dataset.cases.num_candidates = settings.num_candidates;
  const auto add_case = [&](data::CasePart part, int64_t user, int64_t position) {
    const auto own = dataset.history(user);
    dataset.cases.part.push_back(part);
    dataset.cases.user.push_back(static_cast<int32_t>(user));
    dataset.cases.position.push_back(static_cast<int32_t>(position));
    int32_t drawn = 0;
    for (int32_t item = 1; item <= settings.items && drawn < settings.num_candidates; ++item) {
      const auto candidate = static_cast<int32_t>((item * 7 + user + position) % settings.items + 1);
      if (std::find(own.begin(), own.end(), candidate) != own.end()) continue;
      dataset.cases.candidates.push_back(candidate);
      ++drawn;
    }
    while (drawn++ < settings.num_candidates) dataset.cases.candidates.push_back(1);
  };
  for (int64_t user = 0; user < settings.users; ++user) {
    const int64_t kind = user % 10;
    const RandomKey of_user = key.With(static_cast<uint64_t>(user));
    const auto age = static_cast<int32_t>(of_user.Below(3, 0));
    const auto city = static_cast<int32_t>(of_user.Below(4, 1));
    const int64_t most = kind >= 6 ? std::min<int64_t>(10, settings.max_clicks) : settings.max_clicks;
    int64_t clicks = 1 + static_cast<int64_t>(of_user.Below(static_cast<uint64_t>(most), 2));
    if (user == 0 || user == 6 || user == 9) clicks = 1;
    // At most V - 1 distinct items, so that a negative is always left.
    const int64_t range = std::max<int64_t>(1, settings.items / 2);
    for (int64_t click = 0; click < clicks; ++click) {
      const int64_t shift = age == 1 ? settings.items - range - 1 : 0;
      const auto item = shift + static_cast<int64_t>(of_user.Below(static_cast<uint64_t>(range),
                                                                   static_cast<uint64_t>(10 + click)));
      dataset.items.push_back(static_cast<int32_t>(std::min(item, settings.items - 2) + 1));
      dataset.times.push_back(click);
    }
    dataset.offsets.push_back(static_cast<int64_t>(dataset.items.size()));
    dataset.profiles.insert(dataset.profiles.end(), {age, city});
    dataset.user_ids.push_back("u" + std::to_string(user));
    const auto part = kind < 6    ? data::UserPart::kWarm
                      : kind < 8  ? data::UserPart::kColdTrain
                      : kind == 8 ? data::UserPart::kColdDev
                                  : data::UserPart::kColdTest;
    dataset.user_part.push_back(part);
    const bool warm_dev = part == data::UserPart::kWarm && clicks >= 3;
    dataset.train_length.push_back(static_cast<int32_t>(kind >= 8 ? 0 : warm_dev ? clicks - 1 : clicks));
  }
  for (const auto case_part :
       {data::CasePart::kWarmDev, data::CasePart::kColdDev, data::CasePart::kColdTest}) {
    for (int64_t user = 0; user < settings.users; ++user) {
      const auto clicks = static_cast<int64_t>(dataset.history(user).size());
      const data::UserPart part = dataset.user_part[static_cast<size_t>(user)];
      if (case_part == data::CasePart::kWarmDev && part == data::UserPart::kWarm && clicks >= 3)
        add_case(case_part, user, clicks - 1);
      const bool matches = (case_part == data::CasePart::kColdDev && part == data::UserPart::kColdDev) ||
                           (case_part == data::CasePart::kColdTest && part == data::UserPart::kColdTest);
      for (int64_t position = 0; matches && position < clicks; ++position)
        add_case(case_part, user, position);
    }
  }
  return dataset;
}

}  // namespace ppr::test
