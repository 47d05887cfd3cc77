// Datasets told by the ids of the raw files, as a person would write them down.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace ppr::test {

// Item ids of each user, in order.
inline std::map<std::string, std::vector<std::string>> HistoriesById(const data::Dataset& dataset) {
  std::map<std::string, std::vector<std::string>> histories;
  for (int64_t user = 0; user < dataset.num_users(); ++user) {
    for (const int32_t item : dataset.history(user)) {
      histories[dataset.user_ids[user]].push_back(dataset.item_ids[item]);
    }
  }
  return histories;
}

// The text of each field of each user; "" where missing.
inline std::map<std::string, std::vector<std::string>> ProfilesById(const data::Dataset& dataset) {
  std::map<std::string, std::vector<std::string>> profiles;
  for (int64_t user = 0; user < dataset.num_users(); ++user) {
    for (int64_t field = 0; field < dataset.num_fields(); ++field) {
      profiles[dataset.user_ids[user]].push_back(dataset.fields[field].values[dataset.profile(user)[field]]);
    }
  }
  return profiles;
}

}  // namespace ppr::test
