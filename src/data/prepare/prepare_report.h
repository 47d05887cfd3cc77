// The provenance record that a dataset carries: where it came from and what was done, as JSON. It names no
// path, time or machine, so the same input gives the same bytes.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/prepare/prepare.h"

namespace ppr::data {

struct InputFile {
  std::string role, path, digest;
  size_t size_bytes = 0;
};

// ", N have another action, ..." for the filters of the layout that dropped rows; "" when none did.
std::string LayoutDropsText(const PrepareReport& report);

std::string ProvenanceJson(const PrepareConfig& config, const PrepareReport& report, bool has_times,
                           const std::vector<InputFile>& files, const Dataset& dataset);

}  // namespace ppr::data
