#include "recommender/source_users.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/errors.h"
#include "dist/dealt_rounds.h"

namespace ppr::recommender {

std::vector<int32_t> SourceUsers(const data::Dataset& source, const data::Dataset& target) {
  std::unordered_map<std::string, int32_t> user_of_id;
  for (size_t user = 0; user < source.user_ids.size(); ++user)
    user_of_id.emplace(source.user_ids[user], static_cast<int32_t>(user));
  std::vector<int32_t> users;
  bool any = false;
  for (const std::string& id : target.user_ids) {
    const auto at = user_of_id.find(id);
    users.push_back(at == user_of_id.end() ? -1 : at->second);
    any = any || users.back() >= 0;
  }
  if (!any) {
    throw DataError(source.path + ": expected users of " + target.path +
                    ", found none with the same id; prepare the two with --shared_with");
  }
  return users;
}

at::Tensor SourceUserVectors(Recommender& source_model, const data::Dataset& source,
                             const data::Dataset& target) {
  constexpr int64_t kUsersAtATime = 512;  // of each rank
  dist::Communicator& communicator = source_model.communicator();
  const std::vector<int32_t> users = SourceUsers(source, target);
  const auto count = static_cast<int64_t>(users.size());
  at::Tensor vectors = at::zeros({count, source_model.width()});
  dist::DealInRounds(communicator, count, kUsersAtATime, [&](const std::vector<int64_t>& dealt) {
    std::vector<int64_t> places;
    std::vector<ClickSequence> sequences;
    for (const int64_t place : dealt) {
      const int32_t user = users[static_cast<size_t>(place)];
      if (user < 0) continue;
      places.push_back(place);
      sequences.push_back({user, 0, static_cast<int32_t>(source.history(user).size())});
    }
    const at::Tensor of_round = source_model.UserVectors(source, sequences);
    vectors.index_copy_(0, at::tensor(places, at::kLong), of_round);
  });
  communicator.AllReduce(vectors);  // each user was read by one rank, the others add 0
  return vectors;
}

}  // namespace ppr::recommender
