// Which profile fields a model reads, and the codes that users have in them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace ppr::recommender {

// Which profile fields the prompt and profile models read, and how many codes each has.
struct ProfileInput {
  std::vector<std::string> names;
  std::vector<int64_t> columns;           // of Dataset::profiles
  std::vector<int64_t> vocabulary_sizes;  // code 0 (missing) included
};
// `names` empty = all fields of the dataset. ConfigError with the nearest name for unknown ones.
ProfileInput MakeProfileInput(const data::Dataset& dataset, const std::vector<std::string>& names);

// The codes of those fields: [n, m] int64.
at::Tensor ProfileCodes(const data::Dataset& dataset, const ProfileInput& input,
                        std::span<const int32_t> users);

}  // namespace ppr::recommender
