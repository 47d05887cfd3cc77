// Users of one domain as another domain's model knows them (paper 4.9.1): the prompts and the side
// information of cross-domain recommendation.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "recommender/recommender.h"

namespace ppr::recommender {

// For each user of `target`, the user of `source` with the same id; -1 = there is none.
std::vector<int32_t> SourceUsers(const data::Dataset& source, const data::Dataset& target);

// Collective. u_o of `source_model` (Eq. 1) after all clicks of each user of `target` in `source`: [U, d]
// f32, zeros for users that source does not have. The same on every rank. Held whole by every rank: 4 d bytes
// a user.
at::Tensor SourceUserVectors(Recommender& source_model, const data::Dataset& source,
                             const data::Dataset& target);

}  // namespace ppr::recommender
