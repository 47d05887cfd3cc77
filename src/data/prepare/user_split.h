// The protocols: who is cold, into which part a cold user falls, what training may see, and what is
// evaluated.
//
// Every draw is a hash of (seed, text of the user's id): adding or reordering rows of others moves nobody.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "data/dataset.h"
#include "data/prepare/prepare.h"

namespace ppr::data {

// Whether a user is cold. `num_clicks`: after the k-core, before cropping.
bool IsColdUser(const PrepareConfig& config, std::string_view id, int64_t num_clicks);

// Train, dev or test.
UserPart PartOfColdUser(const PrepareConfig& config, std::string_view id);

// Fills user_part and train_length from user_ids and offsets, and part, user and position of all cases;
// `is_cold` is [U].
void SplitUsers(const PrepareConfig& config, const std::vector<uint8_t>& is_cold, Dataset* dataset);

}  // namespace ppr::data
