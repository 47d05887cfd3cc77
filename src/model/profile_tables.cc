#include "model/profile_tables.h"

#include <ATen/ATen.h>

#include "base/errors.h"
#include "model/gather_rows.h"

namespace ppr::model {

ProfileTables::ProfileTables(const std::string& owner, const std::vector<int64_t>& vocabulary_sizes,
                             int64_t width, DenseParameters& parameters)
    : width_(width), parameters_(parameters) {
  for (size_t field = 0; field < vocabulary_sizes.size(); ++field) {
    tables_.push_back(parameters.Add(owner + ".table." + std::to_string(field),
                                     {vocabulary_sizes[field], width}, ParameterGroup::kPretrained,
                                     DenseParameters::Init::kNormal));
  }
}

at::Tensor ProfileTables::Features(const at::Tensor& codes) const {
  PPR_BUG_IF_NOT(codes.dim() == 2 && codes.size(1) == static_cast<int64_t>(tables_.size()),
                 "profile codes are not [B, " + std::to_string(tables_.size()) + "]");
  // GatherRows would take a negative code for a row of zeros.
  PPR_BUG_IF_NOT(codes.numel() == 0 || codes.min().item<int64_t>() >= 0, "a profile code is negative");
  if (tables_.empty()) return at::empty({codes.size(0), 0}, parameters_.values().options());
  std::vector<at::Tensor> fields;
  for (size_t field = 0; field < tables_.size(); ++field) {
    fields.push_back(GatherRows(parameters_[tables_[field]], codes.select(1, static_cast<int64_t>(field))));
  }
  return at::cat(fields, 1);
}

}  // namespace ppr::model
