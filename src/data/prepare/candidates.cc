#include "data/prepare/candidates.h"

#include "base/random.h"
#include "data/text_hash.h"

namespace ppr::data {

CandidateDrawer::CandidateDrawer(uint64_t seed, int32_t num_items)
    : seed_(seed),
      num_items_(num_items),
      own_stamp_(static_cast<size_t>(num_items) + 1, 0),
      case_stamp_(static_cast<size_t>(num_items) + 1, 0) {}

void CandidateDrawer::StartUser(std::span<const int32_t> history) {
  ++user_stamp_;
  num_own_ = 0;
  for (const int32_t item : history) {
    num_own_ += own_stamp_[item] != user_stamp_ ? 1 : 0;
    own_stamp_[item] = user_stamp_;
  }
}

void CandidateDrawer::Draw(std::string_view user_id, int32_t position, std::span<int32_t> candidates) {
  ++draw_stamp_;
  const RandomKey key = MakeRandomKey(seed_, RandomSite::kCandidate)
                            .With(TextHash(user_id))
                            .With(static_cast<uint64_t>(position));
  uint64_t draw = 0;
  for (int32_t& candidate : candidates) {
    do {
      candidate = static_cast<int32_t>(key.Below(static_cast<uint64_t>(num_items_), draw++)) + 1;
    } while (own_stamp_[candidate] == user_stamp_ || case_stamp_[candidate] == draw_stamp_);
    case_stamp_[candidate] = draw_stamp_;
  }
}

}  // namespace ppr::data
