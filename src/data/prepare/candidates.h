// The items that a case's true item is ranked against: uniform, distinct, never the user's own.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ppr::data {

// Draws candidates for the cases of one user after another; keeps what it needs between calls. One per
// thread.
class CandidateDrawer {
 public:
  CandidateDrawer(uint64_t seed, int32_t num_items);

  // Marks `history` (items 1..V) as the user's own, for the following Draw() calls.
  void StartUser(std::span<const int32_t> history);
  // How many different items the user has clicked.
  int64_t num_own() const { return num_own_; }
  // Fills `candidates` for the user's case at `position`; depends on (seed, id, position) and the history
  // alone. There must be as many items that are not the user's own.
  void Draw(std::string_view user_id, int32_t position, std::span<int32_t> candidates);

 private:
  uint64_t seed_;
  int32_t num_items_;
  // [V+1] the user's own items carry the user's stamp, a case's candidates the case's; stamps only grow.
  std::vector<uint64_t> own_stamp_, case_stamp_;
  uint64_t user_stamp_ = 0, draw_stamp_ = 0;
  int64_t num_own_ = 0;
};

}  // namespace ppr::data
