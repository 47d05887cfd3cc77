// A small dataset made by rule, for tests of evaluation: histories with repeats, three kinds of cases, users
// whose names need escaping.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "data/dataset.h"

namespace ppr::test {

// `num_users` users with 1..6 clicks on items 1..num_items, popular items first; the training part is all but
// the last click. Every click of every second user is a cold test case, the last click of the others a warm
// dev case. As many candidates a case as there are items the user has not clicked, at most `num_candidates`.
inline data::Dataset MakeRankingDataset(int32_t num_users, int32_t num_items, int32_t num_candidates) {
  const RandomKey key = MakeRandomKey(42, RandomSite::kTest);
  data::Dataset dataset;
  dataset.digest = "0123456789abcdef0123456789abcdef";
  dataset.item_ids.assign(static_cast<size_t>(num_items + 1), "");
  dataset.offsets.push_back(0);
  for (int32_t user = 0; user < num_users; ++user) {
    const RandomKey user_key = key.With(static_cast<uint64_t>(user));
    const uint64_t clicks = 1 + user_key.Below(6, 1000);
    for (uint64_t i = 0; i < clicks; ++i) {
      const double popular_first = user_key.Uniform(i) * user_key.Uniform(i);
      dataset.items.push_back(1 + static_cast<int32_t>(popular_first * num_items));
      dataset.times.push_back(static_cast<int64_t>(i));
    }
    dataset.offsets.push_back(static_cast<int64_t>(dataset.items.size()));
    dataset.train_length.push_back(static_cast<int32_t>(clicks) - 1);
    dataset.user_part.push_back(user % 2 == 0 ? data::UserPart::kWarm : data::UserPart::kColdTest);
    dataset.user_ids.push_back(std::string("u").append(std::to_string(user)));
  }
  data::EvaluationCases& cases = dataset.cases;
  cases.num_candidates = num_candidates;
  const auto add_case = [&](data::CasePart part, int32_t user, int32_t position) {
    cases.part.push_back(part);
    cases.user.push_back(user);
    cases.position.push_back(position);
    const auto history = dataset.history(user);
    const int32_t first =
        static_cast<int32_t>(key.Below(static_cast<uint64_t>(num_items), cases.user.size()));
    int32_t added = 0;
    for (int32_t i = 0; i < num_items && added < num_candidates; ++i) {
      const int32_t item = 1 + (first + i) % num_items;
      if (std::find(history.begin(), history.end(), item) != history.end()) continue;
      cases.candidates.push_back(item);
      ++added;
    }
  };
  for (int32_t user = 0; user < num_users; user += 2) {
    add_case(data::CasePart::kWarmDev, user, dataset.train_length[static_cast<size_t>(user)]);
  }
  for (int32_t user = 1; user < num_users; user += 2) {
    for (int32_t position = 0; position <= dataset.train_length[static_cast<size_t>(user)]; ++position) {
      add_case(data::CasePart::kColdTest, user, position);
    }
  }
  return dataset;
}

}  // namespace ppr::test
