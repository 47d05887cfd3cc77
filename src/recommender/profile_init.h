// First values of the profile tables: for each profile value, the mean pre-trained row of the items that warm
// users with that value clicked (what the paper's authors do; a flag chooses).
#pragma once

#include "data/dataset.h"
#include "recommender/recommender.h"

namespace ppr::recommender {

// Collective. Fills all tables of recommender.prompt(). Code 0 (missing) gets zeros; a value that no warm
// user has gets the mean over all clicks. Every rank sums the clicks on its own items; one all-reduce joins
// them.
void InitialiseProfileTables(const data::Dataset& dataset, Recommender& recommender);

}  // namespace ppr::recommender
