#include "data/batches.h"

#include <algorithm>
#include <numeric>

#include "base/errors.h"
#include "base/random.h"

namespace ppr::data {

EpochPlan::EpochPlan(const Dataset& dataset, std::vector<int32_t> users, const PlanRules& rules)
    : dataset_(dataset), users_(std::move(users)), rules_(rules) {
  PPR_BUG_IF_NOT(rules.max_history >= 1, "EpochPlan needs max_history >= 1");
}

// Leading clicks of the training history that this plan may use.
int64_t EpochPlan::UsableClicks(int32_t user) const {
  const auto clicks = static_cast<int64_t>(dataset_.training_history(user).size());
  const bool crops = rules_.shots > 0 && dataset_.user_part[static_cast<size_t>(user)] != UserPart::kWarm;
  return crops ? std::min(clicks, rules_.shots + 1) : clicks;
}

void EpochPlan::AppendEachTarget(int32_t user, int64_t clicks,
                                 std::vector<TrainingSequence>* sequences) const {
  const int64_t first = rules_.targets == TargetClicks::kAfterFirst ? 1 : 0;
  const int64_t last = rules_.targets == TargetClicks::kFirst ? 1 : clicks;
  for (int64_t target = first; target < last; ++target) {
    const int64_t begin = std::max<int64_t>(0, target - rules_.max_history);
    sequences->push_back(
        {user, static_cast<int32_t>(begin), static_cast<int32_t>(target), target == 0, Reading::kEachTarget});
  }
}

void EpochPlan::AppendSequences(int64_t epoch, int32_t user, std::vector<TrainingSequence>* sequences) const {
  const int64_t clicks = UsableClicks(user);
  if (clicks == 0) return;
  if (rules_.reading == Reading::kEachTarget) return AppendEachTarget(user, clicks, sequences);
  const bool whole = rules_.reading == Reading::kWhole;
  const bool first = !whole && rules_.targets != TargetClicks::kAfterFirst;
  // Clicks [0, inputs) are read; but for whole sequences the last click is a target only.
  const int64_t inputs = whole ? clicks : first && rules_.targets == TargetClicks::kFirst ? 0 : clicks - 1;
  if (inputs == 0) {
    if (first) sequences->push_back({user, 0, 0, true, rules_.reading});
    return;
  }
  int64_t begin = 0;
  int64_t end = inputs;
  if (inputs > rules_.max_history) {
    // The first window is cut at a random length, so that over the epochs every target sees contexts of all
    // lengths.
    const RandomKey key =
        MakeRandomKey(rules_.seed, RandomSite::kWindowPhase).With(static_cast<uint64_t>(epoch));
    end = 1 + static_cast<int64_t>(
                  key.Below(static_cast<uint64_t>(rules_.max_history), static_cast<uint64_t>(user)));
  }
  while (begin < inputs) {
    sequences->push_back(
        {user, static_cast<int32_t>(begin), static_cast<int32_t>(end), first && begin == 0, rules_.reading});
    begin = end;
    end = std::min(inputs, begin + rules_.max_history);
  }
}

const std::vector<TrainingSequence>& EpochPlan::Sequences(int64_t epoch) {
  if (epoch == cached_epoch_) return sequences_;
  std::vector<TrainingSequence> unordered;
  for (const int32_t user : users_) AppendSequences(epoch, user, &unordered);
  // Order by a hash of what the sequence is: independent of how many there are.
  const RandomKey key =
      MakeRandomKey(rules_.seed, RandomSite::kEpochOrder).With(static_cast<uint64_t>(epoch));
  std::vector<std::pair<uint64_t, uint32_t>> order(unordered.size());
  for (uint32_t i = 0; i < order.size(); ++i) {
    const TrainingSequence& sequence = unordered[i];
    // Sequences of one target each may begin at the same click; they do not end there.
    const int32_t place = sequence.reading == Reading::kEachTarget ? sequence.end : sequence.begin;
    order[i] = {key.With(static_cast<uint64_t>(sequence.user)).Bits(static_cast<uint64_t>(place)), i};
  }
  std::sort(order.begin(), order.end());
  sequences_.clear();
  sequences_.reserve(unordered.size());
  for (const auto& [hash, index] : order) sequences_.push_back(unordered[index]);
  cached_epoch_ = epoch;
  return sequences_;
}

int64_t EpochPlan::NumBatches(int64_t epoch, int64_t batch_size) {
  return (static_cast<int64_t>(Sequences(epoch).size()) + batch_size - 1) / batch_size;
}

std::span<const TrainingSequence> EpochPlan::Batch(int64_t epoch, int64_t batch, int64_t batch_size) {
  const std::span<const TrainingSequence> all(Sequences(epoch));
  const auto begin = static_cast<size_t>(batch * batch_size);
  PPR_BUG_IF_NOT(begin < all.size(), "batch " + std::to_string(batch) + " is past the end of the epoch");
  return all.subspan(begin, std::min(static_cast<size_t>(batch_size), all.size() - begin));
}

std::vector<int32_t> UsersOf(const Dataset& dataset, UserPart part) {
  std::vector<int32_t> users;
  for (int64_t user = 0; user < dataset.num_users(); ++user) {
    if (dataset.user_part[static_cast<size_t>(user)] == part) users.push_back(static_cast<int32_t>(user));
  }
  return users;
}

std::vector<int32_t> WarmAndColdTrainUsers(const Dataset& dataset) {
  std::vector<int32_t> users;
  for (int64_t user = 0; user < dataset.num_users(); ++user) {
    const UserPart part = dataset.user_part[static_cast<size_t>(user)];
    if (part == UserPart::kWarm || part == UserPart::kColdTrain) users.push_back(static_cast<int32_t>(user));
  }
  return users;
}

std::vector<int64_t> DealByTokens(std::span<const TrainingSequence> batch, int64_t prefix_tokens,
                                  int world_size, int rank) {
  std::vector<int64_t> order(batch.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  if (world_size == 1) return order;
  const auto tokens = [&](int64_t index) {
    return batch[static_cast<size_t>(index)].num_clicks() + prefix_tokens;
  };
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return tokens(a) > tokens(b); });
  std::vector<int64_t> load(static_cast<size_t>(world_size), 0);
  std::vector<int64_t> mine;
  for (const int64_t index : order) {
    const auto least = std::min_element(load.begin(), load.end());
    // A sequence costs at least one token: else empty ones would all go to one rank.
    *least += std::max<int64_t>(1, tokens(index));
    if (least - load.begin() == rank) mine.push_back(index);
  }
  std::sort(mine.begin(), mine.end());
  return mine;
}

}  // namespace ppr::data
