// What must hold in a dataset, whoever wrote the file. Each check throws DataError with the file, the array,
// the place, what was expected and what was found.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace ppr::data {

// Starts at 0, never falls, ends at `end`.
void CheckOffsets(const std::string& path, const std::string& name, const std::vector<int64_t>& offsets,
                  int64_t end);

// Lengths agree; items in 1..V; times in order; codes within their vocabularies; train_length within the
// history and before every case of its user; cases sorted, in range, of a part that fits their user;
// candidates in 1..V.
void CheckDataset(const Dataset& dataset);

}  // namespace ppr::data
